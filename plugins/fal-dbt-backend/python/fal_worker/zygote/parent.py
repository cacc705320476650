"""The process above the zygote: when the zygote is killed, as the system does it where memory runs out, it ends all that the
zygote's jobs started, whatever sessions and environments that made. It is small, so that the system kills others first."""

from __future__ import annotations

import os
import resource
import signal
import time
from typing import NoReturn

from fal_worker import processes

# How long the end may take.
_END_SECONDS = 5.0
_POLL_SECONDS = 0.005


def fork_below() -> None:
    """Forks. The child goes on, as the zygote; this process stays above it and does not return. Linux only."""
    if not processes.IS_LINUX:
        return
    processes.become_subreaper()
    keeper = os.getpid()
    zygote = os.fork()
    if zygote == 0:
        processes.die_with_parent(keeper)
        return
    _keep(zygote)


def _keep(zygote: int) -> NoReturn:
    # Ctrl-C is the host's business; the others end the zygote as an end of file does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: os.kill(zygote, number))
    status = _status_of(zygote)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _end_all()
    _end_as(status)


def _status_of(zygote: int) -> int:
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == zygote:
            return status


def _end_all() -> None:
    """Kills what has become our child, and what becomes it by that."""
    deadline = time.monotonic() + _END_SECONDS
    while time.monotonic() < deadline:
        for pid in processes.children():
            processes.kill(pid)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(_POLL_SECONDS)


def _end_as(status: int) -> NoReturn:
    """Ends as the zygote did: the supervisor tells the user how."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        os._exit(code)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if -code != signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    os._exit(128 - code)
