"""Everything that the session says, sent in order by a thread of its own, so that no thread of dbt ever waits for the host."""

from __future__ import annotations

import queue
import threading
from typing import Any

from fal_worker.errors import from_exception
from fal_worker.protocol import Channel


class Outbox:
    """A queue in front of the channel."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._queue: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="fal-outbox", daemon=True)
        self._thread.start()

    def answer(self, id: Any, value: dict[str, Any]) -> None:
        self._queue.put({"id": id, "ok": value})

    def refuse(self, id: Any, error: BaseException) -> None:
        self._queue.put({"id": id, "error": from_exception(error).to_dict()})

    def event(self, event: str, /, **fields: Any) -> None:
        self._queue.put({"event": event, **fields})

    def log(
        self, level: str, message: str, name: str | None = None, unique_id: str | None = None
    ) -> None:
        self.event("log", level=level, name=name, unique_id=unique_id, message=message)

    def flush(self, timeout: float = 5.0) -> None:
        """Sends what is left. Nothing may be said afterwards."""
        self._queue.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        while (message := self._queue.get()) is not None:
            try:
                self._channel.send(message)
            except OSError:
                return
