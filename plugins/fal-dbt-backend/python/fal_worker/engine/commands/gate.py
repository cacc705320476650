"""Whose turn it is at a database that only one process can have open: jobs together, or one call of dbt alone."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from fal_worker.errors import Interrupted


class Gate:
    """Jobs come in with `enter` and leave with `leave`. A call of dbt that waits goes ahead of jobs that come later, and each of
    the two lets the other through in the end, since no job waits for another while it is inside."""

    def __init__(self, shared: bool, release: Callable[[], None]) -> None:
        """`shared`: the database serves many processes, nobody waits. `release` gives the database up before dbt opens it."""
        self._shared, self._release = shared, release
        self._changed = threading.Condition()
        self._jobs: set[str] = set()
        self._waiting = 0
        self._dbt = self._closed = False

    def enter(self, job: str) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or self._shared or not (self._dbt or self._waiting)
            )
            self._check()
            self._jobs.add(job)

    def leave(self, job: str) -> None:
        with self._changed:
            self._jobs.discard(job)
            self._changed.notify_all()

    @contextlib.contextmanager
    def dbt(self) -> Iterator[None]:
        """While it lasts, the database is dbt's."""
        with self._changed:
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: self._closed or self._shared or not self._jobs)
                self._check()
                self._dbt = True
            finally:
                self._waiting -= 1
                self._changed.notify_all()
        try:
            if not self._shared:
                self._release()
            yield
        finally:
            with self._changed:
                self._dbt = False
                self._changed.notify_all()

    def close(self) -> None:
        """Whoever waits goes away with an error."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _check(self) -> None:
        if self._closed:
            raise Interrupted()
