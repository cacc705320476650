"""A node that runs elsewhere: its attempts, of which only the last one counts, and its reported
end.
"""

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.texts import shortened

from .lease_streams import fenced

if TYPE_CHECKING:
    from fal_worker.protocol import JobAnswer, Settled

    from .jobs import Job, JobTable


# Longest time for which a heartbeat waits for an answer, in seconds.
_WAIT = 5.0
# Characters of a line that are kept.
_LONGEST = 1 << 17
# Frames of one error; a job sends 30 at most.
_MOST_FRAMES = 100


class Lease:
    """A lease of an open job.

    Its attempts take the job's place in the table one after the other.
    """

    def __init__(self, table: JobTable, job: Job) -> None:
        self.id, self.token, self.unique_id = job.id, job.token, job.unique_id
        self._table, self._current = table, job
        self._lock = threading.Lock()
        self.attempts = 0
        self.answer: JobAnswer | None = None
        self._settled = False
        self._started: float | None = None
        self._seconds: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether its tokens are no longer valid."""
        return self._settled

    def start(self) -> Job:
        """Starts a new attempt. When this returns, all work of earlier attempts is undone."""
        with self._lock:
            if self._settled:
                raise fenced()
            self._current.revoke()
            self.answer = None
            self.attempts += 1
            self._started, self._seconds = time.monotonic(), None
            self._current = self._current.next_attempt(secrets.token_hex(16))
            if not self._table.replace(self._current):
                self._settled = True
                raise fenced()
            return self._current

    def answered(self, job: Job, ok: bool, error: dict[str, Any] | None) -> None:
        """Takes an attempt's report of its end. Its rows wait until the lease is settled."""
        with self._lock:
            if self._settled or job is not self._current or not job.token:
                raise fenced()
            job.end()
            self._stop_clock()
            self.answer = {"ok": ok, "error": None if ok else error or {}}

    def settle(self) -> Settled:
        """Ends all attempts. The rows of an attempt that did not answer are undone.

        The supervisor may settle while an attempt still writes: its runner may have been given up,
        or may not know yet that another attempt took its place. The lock orders the two. Either
        `answered` came first, and its rows count; or the attempt is revoked here, its streams are
        aborted, and its later answer is refused, so that rows are never committed for an attempt
        that was reported as failed.
        """
        with self._lock:
            # Set first: `start` and `answered` refuse from now on, whatever happens below.
            self._settled = True
            self._stop_clock()
            if self.answer is None:
                self._current.revoke()
            return {
                "attempts": self.attempts,
                "answer": self.answer,
                "wrote": self._current.has_written,
                "seconds": self._seconds,
            }

    def _stop_clock(self) -> None:
        if self._seconds is None and self._started is not None:
            self._seconds = time.monotonic() - self._started


def checked_error(value: Any) -> dict[str, Any] | None:
    """The error that a job reported, reduced to the fields and types of the protocol."""
    if not isinstance(value, dict):
        return None
    text = {
        name: shortened(value[name])
        for name in ("kind", "message", "traceback")
        if isinstance(value.get(name), str)
    }
    error: dict[str, Any] = {"kind": "exception", "message": "", "traceback": None, **text}
    if isinstance(frames := value.get("frames"), list):
        error["frames"] = _checked_frames(frames[:_MOST_FRAMES])
    return error


def _checked_frames(frames: list[Any]) -> list[dict[str, Any]]:
    """The well-formed frames of an error, which a job on another machine may have written."""
    return [
        {
            "file": shortened(frame["file"]),
            "cell": frame.get("cell") if isinstance(frame.get("cell"), int) else None,
            "line": frame["line"],
            "text": shortened(str(frame.get("text") or "")),
        }
        for frame in frames
        if isinstance(frame, dict)
        and isinstance(frame.get("file"), str)
        and isinstance(frame.get("line"), int)
    ]


def checked_lines(value: Any) -> list[list[str]]:
    """Lines that a job wrote, with the stream of each."""
    lines = value if isinstance(value, list) else None
    if lines is None or not all(_is_line(line) for line in lines):
        raise SessionError(
            "gateway::op", "`lines` is a list of pairs: `stdout` or `stderr`, and the text"
        )
    return [[stream, text.rstrip("\r\n")[:_LONGEST]] for stream, text in lines]


def checked_wait(value: Any) -> float:
    """Seconds that a job is ready to wait for a request to stop."""
    return min(max(float(value), 0.0), _WAIT) if isinstance(value, (int, float)) else 0.0


def _is_line(line: Any) -> bool:
    return (
        isinstance(line, list)
        and len(line) == 2
        and line[0] in ("stdout", "stderr")
        and isinstance(line[1], str)
    )
