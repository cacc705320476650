"""What this process does besides streaming rows of jobs, for work that must not overlap with
another query.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class Activity:
    """Counts the requests under way: those of the host, and queries of jobs until their rows
    stream.

    The cache of blocks is trimmed by lowering DuckDB's memory limit for a moment, and a query that
    needs memory in that moment would fail. Streams that are under way only scan or insert, so they
    are not counted.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Counts a request while it lasts."""
        with self._lock:
            self._count += 1
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1

    @contextlib.contextmanager
    def idle(self) -> Iterator[bool]:
        """Gives whether nothing is under way.

        While this lock is held, no new request can start: leave soon.
        """
        with self._lock:
            yield self._count == 0


# The session is the process, so one counter serves it.
ACTIVITY = Activity()
