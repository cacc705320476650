"""The dbt session as a child process: its start, requests and answers, its end.

The same process that `fal-host` starts for a run, over the same channel
(docs/notes/worker-protocol.md). It ends by itself when the channel does, so nothing is left when
this interpreter is killed.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import fal_worker
from fal_worker.job.error import FalError
from fal_worker.protocol import CONTROL_FD, Channel

# Puts the worker's folder first on the path instead of the current one, so that the user's files
# cannot hide ours.
_BOOT = """\
import sys
safe = getattr(sys.flags, "safe_path", False)
sys.path[: 0 if safe else 1] = [sys.argv.pop(1)]
import runpy
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""
_MODULE = "fal.serve"
# Longest folder name below which a socket's path fits into the 104 bytes that every Unix allows.
_LONGEST_PARENT = 60
# Seconds for a regular end, which rolls back and closes the database.
_PATIENCE = 5.0
_LAST_LINES = 20
_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
# Warnings for authors of models that `fal-host` runs; a notebook may read any relation.
_UNSAID = frozenset({"UndeclaredRead"})

log = logging.getLogger("fal")


class Child:
    """A running session process. `ask` may be called from any thread."""

    def __init__(self, request: dict[str, Any], python: str, keep_open: bool) -> None:
        self.python = python
        self._folder = _run_folder()
        self.socket_dir = self._folder / "g"
        self._lock = threading.Lock()
        self._count = 0
        self._answers: dict[int, Future[dict[str, Any]]] = {}
        self._ended = False
        self._owner = os.getpid()
        try:
            self._start(request, keep_open)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def _start(self, request: dict[str, Any], keep_open: bool) -> None:
        self.socket_dir.mkdir()
        home = _home(self._folder / "worker")
        path = self._folder / "open.json"
        path.write_text(
            json.dumps({**request, "state_dir": _state_dir(self._folder)}), encoding="utf-8"
        )
        ours, theirs = socket.socketpair()
        environment = {
            **os.environ, CONTROL_FD: str(theirs.fileno()), "FAL_OPEN": str(path), "PYTHONUTF8": "1",
            "FAL_HOST_WORKER_MARK": secrets.token_hex(8), "FAL_KEEP_OPEN": "1" if keep_open else "",
        }  # fmt: skip
        command = [self.python, "-c", _BOOT, str(home), _MODULE]
        with open(self._output, "wb") as output, theirs:
            try:
                self._process = subprocess.Popen(
                    command, env=environment, pass_fds=[theirs.fileno()], cwd=request["project_dir"],
                    stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                ours.close()
                raise FalError(
                    f"fal: {self.python} cannot be started: {error.strerror}", "session::python"
                ) from None
        self._socket = ours
        self._channel = Channel(ours.fileno())
        threading.Thread(target=self._read, name="fal-session", daemon=True).start()

    @property
    def _output(self) -> Path:
        return self._folder / "output"

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended, by itself or by `end`."""
        return self._ended

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Sends a request and returns the answer; raises an error answer as `FalError`."""
        if self._owner != os.getpid():
            raise FalError(
                "fal: a forked process cannot use the session of its parent",
                help="Make another FalDbt there.",
            )
        future: Future[dict[str, Any]] = Future()
        with self._lock:
            if self._ended:
                raise self._epitaph()
            self._count += 1
            number = self._count
            self._answers[number] = future
        with contextlib.suppress(OSError):  # then the reader finds the end of the channel
            self._channel.send({"id": number, "op": op, **fields})
        return future.result()

    def end(self) -> None:
        """Ends the process: uncommitted writes are rolled back, and the database's file is
        released.
        """
        if self._owner != os.getpid():
            return
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    # The reader's thread.

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            for message in self._channel.receive():
                self._take(message)
        with self._lock:
            self._ended = True
            left, self._answers = self._answers, {}
        if left:
            error = self._epitaph()
            for future in left.values():
                future.set_exception(error)

    def _take(self, message: dict[str, Any]) -> None:
        if "id" not in message:
            _say(message)
            return
        with self._lock:
            future = self._answers.pop(message["id"], None)
        if future is None:
            return
        if "ok" in message:
            future.set_result(message["ok"])
        else:
            said = message["error"]
            future.set_exception(FalError(said["message"], said.get("code"), said.get("help")))

    def _epitaph(self) -> FalError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)
        text = f"fal: the dbt session ended unexpectedly ({self.python}, exit code {self._process.poll()})"
        with contextlib.suppress(OSError):
            lines = self._output.read_text(encoding="utf-8", errors="replace").splitlines()[
                -_LAST_LINES:
            ]
            text = "\n".join([text, *lines])
        return FalError(text, "session::ended")


def _say(event: dict[str, Any]) -> None:
    if event.get("event") == "log" and event.get("name") not in _UNSAID:
        log.log(_LEVELS.get(event.get("level", ""), logging.INFO), "%s", event.get("message"))


def _run_folder() -> Path:
    """A private folder with a short name."""
    parent = tempfile.gettempdir()
    return Path(
        tempfile.mkdtemp(prefix="fal-", dir=parent if len(parent) <= _LONGEST_PARENT else "/tmp")
    )


def _home(folder: Path) -> Path:
    """Makes a folder that holds only our packages.

    Beside them could be packages of a Python other than the session's.
    """
    folder.mkdir()
    for package in (Path(fal_worker.__file__).parent, Path(__file__).parent):
        (folder / package.name).symlink_to(package.resolve(), target_is_directory=True)
    return folder


def _state_dir(fallback: Path) -> str:
    """The folder that caches what dbt computes at every start."""
    named = os.environ.get("FAL_HOST_CACHE_DIR")
    cache = (
        Path(named)
        if named
        else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fal-host"
    )
    folder = cache / "notebook"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return str(fallback)
    return str(folder)
