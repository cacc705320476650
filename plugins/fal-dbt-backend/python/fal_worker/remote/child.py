"""The process of a leased job and its three connections.

On the supervisor's machine the zygote and the supervisor share this work: the job connects to a
Unix socket three times (its control channel and its two streams), and all that it started is killed
at its end. Here one process does both. It is a subreaper as well, since orphans of the job would
else fall to init, out of reach. The socket's path is limited to about 100 bytes, so a long
temporary folder gets a second, short one.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

from fal_worker import processes
from fal_worker.job.start import JOB, SOCKET

from .outgoing import lines

# Longest path of a socket that every Unix allows, and its name.
_LONGEST = 100
_NAME = "job"
# Seconds that what a job left may take to die.
_DYING = 5.0


class Child:
    """Starts the job and reports by `hear(what, value)`: `line` (a stream and a line), `ended` (a
    stream), `answer`, `exit` (as of `subprocess`).
    """

    def __init__(
        self, folder: str, request: dict[str, Any], hear: Callable[[str, Any], None]
    ) -> None:
        self._request, self._hear = request, hear
        processes.become_subreaper()
        self._short: tempfile.TemporaryDirectory[str] | None = None
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self._path(folder))
        self._listener.listen(3)
        self._process = self._start(folder, str(self._listener.getsockname()))
        for work in (self._accept, self._wait):
            threading.Thread(target=work, daemon=True).start()

    def _path(self, folder: str) -> str:
        path = os.path.join(folder, _NAME)
        if len(path) > _LONGEST:
            self._short = tempfile.TemporaryDirectory(prefix="fal-", dir="/tmp")
            path = os.path.join(self._short.name, _NAME)
        return path

    def _start(self, folder: str, path: str) -> subprocess.Popen[bytes]:
        worker, here = os.path.join(folder, "worker"), os.path.join(folder, "here")
        # `-m` puts the working directory on the import path.
        os.makedirs(here, exist_ok=True)
        paths = [
            worker,
            *(part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part),
        ]
        added = {
            JOB: "lease",
            SOCKET: path,
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONUTF8": "1",
        }
        command = [sys.executable, "-m", "fal_worker.job"]
        # What it prints before it has its connections is not the model's.
        return subprocess.Popen(
            command,
            env={**os.environ, **added},
            cwd=here,
            stdin=subprocess.DEVNULL,
            stdout=2,
            start_new_session=True,
        )

    def kill(self) -> None:
        """Kills its whole process group.

        What has left the group becomes a child of this process.
        """
        processes.kill_group(self._process.pid)
        processes.kill(self._process.pid)

    def clean(self) -> None:
        """Kills everything that the job left behind."""
        self.kill()
        until = time.monotonic() + _DYING
        while leftovers := [
            pid
            for pid in processes.children()
            if pid != self._process.pid or self._process.poll() is None
        ]:
            for pid in leftovers:
                processes.kill(pid)
                _reap(pid, self._process)
            if time.monotonic() > until:
                break
            time.sleep(0.01)
        self._listener.close()
        if self._short is not None:
            self._short.cleanup()

    def _accept(self) -> None:
        for _ in range(3):
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            file = connection.makefile("rb")
            channel = json.loads(file.readline())["channel"]
            work = (
                (self._converse, connection, file)
                if channel == "control"
                else (self._read, channel, file)
            )
            threading.Thread(target=work[0], args=work[1:], daemon=True).start()

    def _converse(self, connection: socket.socket, file: Any) -> None:
        answer = None
        try:
            connection.sendall(json.dumps(self._request).encode() + b"\n")
            line = file.readline()
            answer = json.loads(line) if line else None
        except (OSError, ValueError):
            pass  # it is gone: its exit says more
        self._hear("answer", answer)

    def _read(self, stream: str, file: Any) -> None:
        try:
            for line in lines(file):
                self._hear("line", (stream, line))
        except OSError:
            pass
        self._hear("ended", stream)

    def _wait(self) -> None:
        self._hear("exit", self._process.wait())


def _reap(pid: int, known: subprocess.Popen[bytes]) -> None:
    if pid == known.pid:
        return
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def crashed(code: int, whose: str, last: list[str]) -> str:
    """How a process ended that gave no answer; `code` as of `subprocess`, `last` its last lines on
    standard error.
    """
    if code == -signal.SIGKILL:
        how = "was killed by signal 9 (SIGKILL); the system does that when memory runs out"
    elif code < 0:
        how = f"was killed by signal {-code} ({_name(-code)})"
    else:
        how = f"ended with exit code {code} before the {whose} was done (os._exit ends a process like that)"
    lines_text = "".join(f"\n  {line}" for line in last)
    return f"the {whose}'s process {how}" + (
        f"\nIts last lines on standard error:{lines_text}" if last else ""
    )


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
