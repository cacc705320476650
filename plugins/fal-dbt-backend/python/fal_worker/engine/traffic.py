"""What goes on in this process besides jobs that stream: for work that must not happen while a query of somebody else runs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class Traffic:
    """Counts what is under way. Whoever found nothing keeps the others from starting for as long as it takes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        with self._lock:
            self._count += 1
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1

    @contextlib.contextmanager
    def none(self) -> Iterator[bool]:
        """Whether nothing is under way; it stays so until the end of the `with`, which must be soon."""
        with self._lock:
            yield self._count == 0


# The session is the process.
TRAFFIC = Traffic()
