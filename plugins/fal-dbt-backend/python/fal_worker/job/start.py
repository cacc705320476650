"""Makes a process a job: its own session, its three sockets, fresh signals, streams and random
numbers.
"""

from __future__ import annotations

import faulthandler
import gc
import io
import json
import os
import random
import signal
import socket
import sys

from fal_worker import processes
from fal_worker.protocol import Channel

# A fresh interpreter gets its job's name and its socket by these variables.
JOB, SOCKET = "FAL_JOB", "FAL_JOB_SOCKET"
# The worker's own variables: a program that the model starts must not see them.
_OWN = ("FAL_CONTROL_FD", "FAL_OPEN", "FAL_WORKER_START", JOB, SOCKET)


def enter(job: str, path: str, parent: int) -> Channel:
    """Turns this process into `job`, connected to the supervisor's `socket` path; gives its control
    channel.
    """
    if os.getpid() != os.getsid(0):
        os.setsid()
    processes.become_subreaper()
    processes.die_with_parent(parent)
    _reset_signals()
    for name in _OWN:
        os.environ.pop(name, None)
    control = _connect(path, job, "control")
    _redirect(_connect(path, job, "stdout"), 1)
    _redirect(_connect(path, job, "stderr"), 2)
    _open_streams()
    _reseed()
    gc.enable()
    return Channel(control)


def _reset_signals() -> None:
    """As in a fresh interpreter: what the zygote set is not the user's."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _connect(path: str, job: str, channel: str) -> int:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(path)
    connection.sendall(json.dumps({"job": job, "channel": channel}).encode() + b"\n")
    return connection.detach()


def _redirect(source: int, target: int) -> None:
    os.dup2(source, target)
    os.close(source)


def _open_streams() -> None:
    """New stream objects: UTF-8 whatever the locale, output by the line, no input."""
    null = os.open(os.devnull, os.O_RDONLY)
    if null != 0:
        _redirect(null, 0)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - open until the end
    sys.stdout, sys.stderr = writer(1, "backslashreplace"), writer(2, "backslashreplace")
    for name in ("stdin", "stdout", "stderr"):
        setattr(sys, f"__{name}__", getattr(sys, name))
    faulthandler.enable(2, all_threads=False)


def writer(fd: int, errors: str) -> io.TextIOWrapper:
    """A stream of text over a descriptor, whatever the locale."""
    return open(fd, "w", encoding="utf-8", errors=errors, buffering=1, closefd=False)


def _reseed() -> None:
    """Forked processes would all draw the same numbers."""
    random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
