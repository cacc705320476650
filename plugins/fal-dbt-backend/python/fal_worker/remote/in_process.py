"""A leased job in the process that asks for it, for runners that start a fresh process for each
node.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from typing import Any

from fal_worker.job import run as job_run
from fal_worker.job import start
from fal_worker.job.request import Request

from .access import Access, Refused, Unreachable
from .outgoing import Outgoing, lines
from .stored import Stored
from .supervision import (
    COULD_NOT,
    DONE,
    FAILED,
    WHY,
    could_not,
    failure,
    request_of,
    send_answer,
    timed_out,
)

# Seconds that the user's code gets to end after `Stopped`, before the process ends.
_GRACE = 5.0
# Seconds for which others that hold the job's output may still write.
_DRAIN = 2.0


class Stopped(BaseException):
    """Thrown into the user's code."""


def run(lease: dict[str, Any], folder: str, store: Any) -> int:
    """Runs the lease and returns the exit code."""
    access = Access(lease)
    try:
        access.start()
        return _InProcess(lease, folder, access, store).run()
    except (Unreachable, Refused) as error:
        return could_not(error)


class _InProcess:
    def __init__(self, lease: dict[str, Any], folder: str, access: Access, store: Any) -> None:
        self._lease, self._folder, self._access = lease, folder, access
        request = Request.from_message(request_of(lease, folder, access.token))
        self._gateway = None if store is None else Stored(request, lease, store)
        self._request = request
        self._thread = threading.get_ident()
        self._why: str | None = None
        self._over = threading.Event()
        self._turn = threading.Lock()

    def run(self) -> int:
        outgoing = Outgoing(self._access, self._end)
        timer = self._timer()
        answer = failure("interrupted", "the model was stopped")
        try:
            with _redirected(outgoing), _restored_process():
                answer = job_run.Job(self._request, self._gateway).run()
        except Stopped:
            pass  # it came when the job had just ended
        finally:
            with self._turn:
                self._over.set()
            if timer is not None:
                timer.cancel()
        try:
            return self._close(outgoing, answer)
        finally:
            outgoing.join()

    def _close(self, outgoing: Outgoing, answer: dict[str, Any]) -> int:
        if self._why in WHY:
            return could_not(WHY[self._why])
        outgoing.close()
        if self._why in WHY:
            return could_not(WHY[self._why])
        if self._why == "timeout":
            return FAILED
        code = send_answer(self._access, bool(answer.get("ok")), answer.get("error"))
        if code == DONE and self._gateway is not None:
            self._gateway.hand_on()
        return code

    def _timer(self) -> threading.Timer | None:
        timeout = self._lease.get("timeout")
        if timeout is None:
            return None
        timer = threading.Timer(timeout, self._late)
        timer.daemon = True
        timer.start()
        return timer

    def _late(self) -> None:
        """Answers at once, since the process may have to be killed."""
        with contextlib.suppress(Unreachable, Refused):
            send_answer(self._access, False, timed_out(self._lease["timeout"])["error"])
        self._end("timeout")

    def _end(self, why: str) -> None:
        """Called from other threads than the job's."""
        with self._turn:
            if self._over.is_set() or self._why is not None:
                return
            self._why = why
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._thread), ctypes.py_object(Stopped)
            )
        if not self._over.wait(_GRACE):
            shutil.rmtree(self._folder, ignore_errors=True)
            os._exit(FAILED if why == "timeout" else COULD_NOT)


@contextlib.contextmanager
def _restored_process() -> Iterator[None]:
    """Restores what a job changes in its process."""
    main, argv, path, folder = sys.modules.get("__main__"), sys.argv, list(sys.path), os.getcwd()
    try:
        yield
    finally:
        if main is not None:
            sys.modules["__main__"] = main
        sys.argv, sys.path[:] = argv, path
        os.chdir(folder)


@contextlib.contextmanager
def _redirected(outgoing: Outgoing) -> Iterator[None]:
    """Sends everything that this process prints to the gateway."""
    kept = {1: os.dup(1), 2: os.dup(2)}
    streams = sys.stdout, sys.stderr
    readers = []
    for target, name in ((1, "stdout"), (2, "stderr")):
        source, sink = os.pipe()
        os.dup2(sink, target)
        os.close(sink)
        readers.append(threading.Thread(target=_relay, args=(source, name, outgoing), daemon=True))
        readers[-1].start()
    sys.stdout = start.writer(1, "backslashreplace")
    sys.stderr = start.writer(2, "backslashreplace")
    try:
        yield
    finally:
        job_run.flush()
        sys.stdout, sys.stderr = streams
        for target, copy in kept.items():
            os.dup2(copy, target)
            os.close(copy)
        for reader in readers:
            reader.join(_DRAIN)


def _relay(source: int, stream: str, outgoing: Outgoing) -> None:
    with open(source, "rb") as file:
        for line in lines(file):
            outgoing.put(stream, line)
