"""The control channel: newline-delimited JSON over one end of a socket pair.

Knows framing only; what the messages mean is told in docs/notes/worker-protocol.md.
"""

from __future__ import annotations

import json
import math
import os
import queue
import threading
from collections.abc import Iterator
from typing import Any

from .errors import from_exception

CONTROL_FD = "FAL_CONTROL_FD"


class Channel:
    """A channel over a file descriptor. `send` may be called from any thread, `receive` from one."""

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)
        self.fd = fd
        self._lock = threading.Lock()

    @classmethod
    def from_environment(cls) -> Channel:
        """The channel that the supervisor handed over; its variable is removed, so that children do not see it."""
        return cls(int(os.environ.pop(CONTROL_FD)))

    def send(self, message: dict[str, Any]) -> None:
        """Sends one message. Raises `OSError` when the other side is gone."""
        data = memoryview(_encode(message) + b"\n")
        with self._lock:
            while data:
                data = data[os.write(self.fd, data) :]

    def receive(self) -> Iterator[dict[str, Any]]:
        """The messages that come in, until the other side is gone."""
        rest = bytearray()
        while True:
            try:
                data = os.read(self.fd, 1 << 16)
            except ConnectionResetError:
                return
            if not data:
                return
            rest += data
            if b"\n" not in data:
                continue
            *lines, tail = bytes(rest).split(b"\n")
            rest = bytearray(tail)
            for line in lines:
                if line.strip():
                    yield json.loads(line)


class Outbox:
    """Sends answers and events in order, on a thread of its own, so that no thread of dbt ever waits for the host."""

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


def _encode(message: Any) -> bytes:
    """JSON as others read it: without Python's NaN and Infinity, which become null."""
    try:
        text = json.dumps(message, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(message), ensure_ascii=False, default=str)
    return text.encode("utf-8", "replace")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
