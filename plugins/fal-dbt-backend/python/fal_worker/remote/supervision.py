"""Runs a leased job to its end and reports it to the gateway."""

from __future__ import annotations

import os
import queue
import sys
import time
from collections import deque
from typing import Any

from .access import Access, Refused, Unreachable
from .child import Child, crashed
from .outgoing import Outgoing


def request_of(lease: dict[str, Any], folder: str, token: str) -> dict[str, Any]:
    """`folder` holds the unpacked project."""
    project = os.path.join(folder, "project")
    job = dict(lease["job"])
    if job.get("scripts_dir"):
        job["scripts_dir"] = os.path.normpath(os.path.join(project, job["scripts_dir"]))
    access = {name: lease.get(name) for name in ("location", "certificate", "server_name")}
    return {**job, **access, "job": "lease", "project_dir": project, "cwd": project, "token": token}


DONE, FAILED, COULD_NOT = 0, 1, 3
# Seconds that a job may live on after its answer, that its streams may stay open after its end, and
# that the gateway may be away when the answer is due.
_EXIT, _DRAIN, _LOST = 10.0, 2.0, 30.0
# Seconds after which a signal is seen at the latest: of several at once, none may wake the main
# thread.
_LOOK = 0.2
# Lines of standard error that a crash report quotes.
_LAST_LINES = 20


def run(lease: dict[str, Any], folder: str) -> int:
    """Runs the lease and returns the exit code."""
    access = Access(lease)
    try:
        access.start()
        return Supervision(lease, folder, access).run()
    except (Unreachable, Refused) as error:
        return could_not(error)


def could_not(why: object) -> int:
    print("fal: " + " ".join(str(why).split()), file=sys.stderr, flush=True)
    return COULD_NOT


WHY = {
    "stop": "the run was interrupted",
    "fenced": "another attempt took the place of this one, or the lease is settled",
    "lost": "the data gateway has not answered for 30 seconds",
}


class Supervision:
    """One attempt: watches the process, the timeout and the gateway until the first of them ends
    it.
    """

    def __init__(self, lease: dict[str, Any], folder: str, access: Access) -> None:
        self._lease, self._folder, self._access = lease, folder, access
        self._heard: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._stderr: deque[str] = deque(maxlen=_LAST_LINES)
        self._outgoing = Outgoing(access, lambda why: self._heard.put(("end", why)))
        # `answer`, `exit`, and one of each stream's name, as they come.
        self._known: dict[str, Any] = {}

    def run(self) -> int:
        child = Child(
            self._folder, request_of(self._lease, self._folder, self._access.token), self._hear
        )
        try:
            why = self._watch(child)
        finally:
            child.clean()
        if why in WHY:
            return could_not(WHY[why])
        self._drain()
        self._outgoing.close()
        if "end" in self._known:
            return could_not(WHY[self._known["end"]])
        ending = timed_out(self._lease["timeout"]) if why == "timeout" else self._ending()
        return send_answer(self._access, ending["ok"], ending["error"])

    def _hear(self, what: str, value: Any) -> None:
        if what != "line":
            self._heard.put((what, value))
            return
        stream, line = value
        if stream == "stderr":
            self._stderr.append(line)
        self._outgoing.put(stream, line)

    def _watch(self, child: Child) -> str | None:
        """Waits until the process has ended, or returns why it has to be killed."""
        timeout = self._lease.get("timeout")
        deadline = None if timeout is None else time.monotonic() + timeout
        while "exit" not in self._known:
            what = self._next(deadline)
            if what == "end":
                return str(self._known["end"])
            if what is None and "answer" not in self._known:
                return "timeout"
            if what is None:
                child.kill()
                deadline = None
            elif what == "answer" and self._known["answer"] is not None:
                deadline = time.monotonic() + _EXIT
        return None

    def _next(self, deadline: float | None) -> str | None:
        """Notes the next report of the child or the gateway; `None` if there is none until the
        deadline.
        """
        while True:
            left = _LOOK if deadline is None else deadline - time.monotonic()
            try:
                what, value = self._heard.get(timeout=min(max(left, 0.0), _LOOK))
                break
            except queue.Empty:
                if left <= _LOOK and deadline is not None:
                    return None
        self._known[value if what == "ended" else what] = value
        return str(what)

    def _drain(self) -> None:
        """Waits for the answer and for what was printed: the process is gone, so both are there or
        never will be.
        """
        deadline = time.monotonic() + _DRAIN
        while (
            not {"answer", "stdout", "stderr"} <= self._known.keys()
            and self._next(deadline) is not None
        ):
            pass

    def _ending(self) -> dict[str, Any]:
        answer = self._known.get("answer")
        if answer is not None:
            return {"ok": bool(answer.get("ok")), "error": answer.get("error")}
        return failure("crash", crashed(self._known["exit"], "model", list(self._stderr)))


def send_answer(access: Access, ok: bool, error: dict[str, Any] | None) -> int:
    """Answers the gateway, and returns the matching exit code."""
    until = time.monotonic() + _LOST
    while True:
        try:
            access.answer(ok, error)
            return DONE if ok else FAILED
        except Unreachable as why:
            if time.monotonic() > until:
                raise Unreachable(f"{WHY['lost']}: {why}") from None
            time.sleep(1.0)


def timed_out(seconds: float) -> dict[str, Any]:
    return failure("timeout", f"the model ran longer than its timeout of {seconds:g} seconds")


def failure(kind: str, message: str) -> dict[str, Any]:
    return {"ok": False, "error": {"kind": kind, "message": message, "traceback": None}}
