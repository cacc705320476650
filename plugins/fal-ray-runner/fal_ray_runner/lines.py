"""Messages between the plugin and its driver: JSON lines over pipes that carry nothing else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import IO, Any

Message = dict[str, Any]


class Writer:
    """Sends messages, from any thread."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._lock = stream, threading.Lock()

    def send(self, **message: Any) -> bool:
        """Sends a message. Returns False if the other end is gone."""
        data = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        try:
            with self._lock:
                self._stream.write(data)
                self._stream.flush()
        except (OSError, ValueError):
            return False
        return True

    def close(self) -> None:
        """Tells the other end that nothing more comes."""
        try:
            with self._lock:
                self._stream.close()
        except OSError:
            pass


def read(stream: IO[bytes]) -> Iterator[Message]:
    """Yields all messages until the other end is gone."""
    try:
        for line in stream:
            yield json.loads(line)
    except (OSError, ValueError):
        return
