"""The control channel: newline-delimited JSON over one end of a socket pair.

Knows framing only; what the messages mean is told in docs/notes/worker-protocol.md.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from typing import Any

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
        data = memoryview(json.dumps(message, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n")
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
