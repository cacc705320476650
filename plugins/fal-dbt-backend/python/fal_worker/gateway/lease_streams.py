"""Streams of jobs that run elsewhere.

The runner may vanish without closing its connection, so each can be ended from here.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError

if TYPE_CHECKING:
    import pyarrow as pa

# Chunks that wait between the network and the warehouse.
_WAITING = 4
# Seconds that the end of a read waits for the batch that is being fetched.
_PATIENCE = 5.0


def fenced() -> SessionError:
    return SessionError(
        "gateway::token",
        "This attempt of the job has ended: another one took its place, or the lease is settled",
    )


class Pump:
    """Rows from Flight's reader, which nothing can interrupt, to a write on another thread, which
    can be interrupted.

    To the write it looks like Flight's reader.
    """

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self.schema = reader.schema
        self._chunks: deque[Any] = deque()
        self._changed = threading.Condition()
        self._over = self._aborted = self._done = False
        self._failure: BaseException | None = None
        self._result: Any = None

    def run(self, write: Callable[[Pump], int]) -> int:
        """Feeds `write` on this thread, Flight's, and gives what it answers."""
        thread = threading.Thread(
            target=self._write, args=(write,), name="fal-leased-write", daemon=True
        )
        thread.start()
        try:
            while (chunk := self._next()) is not None and self._put(chunk):
                pass
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()
            thread.join()
        if self._failure is not None:
            raise self._failure
        return int(self._result)

    def abort(self) -> None:
        """Makes the write fail instead of getting more rows, so that it undoes its work."""
        with self._changed:
            self._aborted = True
            self._changed.notify_all()

    def wait(self) -> None:
        """Waits until the write has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._done)

    def to_reader(self) -> pa.RecordBatchReader:
        import pyarrow as pa

        batches = (chunk.data for chunk in self if chunk.data is not None)
        return pa.RecordBatchReader.from_batches(self.schema, batches)

    def __iter__(self) -> Iterator[Any]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._chunks or self._over or self._aborted)
                if self._aborted:
                    raise fenced()
                if not self._chunks:
                    return
                chunk = self._chunks.popleft()
                self._changed.notify_all()
            yield chunk

    def _next(self) -> Any:
        try:
            return self._reader.read_chunk()
        except StopIteration:
            return None

    def _put(self, chunk: Any) -> bool:
        """Queues a chunk; returns whether the write wants more."""
        with self._changed:
            self._changed.wait_for(
                lambda: len(self._chunks) < _WAITING or self._aborted or self._done
            )
            if self._aborted or self._done:
                return False
            self._chunks.append(chunk)
            self._changed.notify_all()
        return True

    def _write(self, write: Callable[[Pump], int]) -> None:
        try:
            self._result = write(self)
        except BaseException as error:  # noqa: BLE001 (raised on Flight's thread)
            self._failure = fenced() if self._aborted else error
        finally:
            with self._changed:
                self._done = True
                self._chunks.clear()
                self._changed.notify_all()


class Watched:
    """A read's reader that can be ended while the runner is slow or gone, since an open read holds
    locks in the warehouse.
    """

    def __init__(self, reader: Any, close: Callable[[], None]) -> None:
        self._reader, self._close = reader, close
        self.schema = reader.schema
        self._lock = threading.Lock()
        self._aborted = self._closed = False

    def __iter__(self) -> Watched:
        return self

    def __next__(self) -> Any:
        with self._lock:
            if self._aborted:
                self._close_once()
                raise fenced()
            return next(self._reader)

    def abort(self) -> None:
        self._aborted = True
        # A batch that takes longer than this is the last one, and closes by itself.
        if self._lock.acquire(timeout=_PATIENCE):
            try:
                self._close_once()
            finally:
                self._lock.release()

    def close(self) -> None:
        with self._lock:
            self._close_once()

    def wait(self) -> None:
        """Returns at once: nothing depends on the end of a read."""

    def _close_once(self) -> None:
        if not self._closed:
            self._closed = True
            self._close()
