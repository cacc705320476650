"""Requests of the supervisor, read without blocking: the zygote waits for its children at the same time."""

from __future__ import annotations

import json
import os
from typing import Any


class Inbox:
    """Messages of a channel. `closed` is set once the supervisor is gone."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._rest = b""
        self.closed = False

    def receive(self) -> list[dict[str, Any]]:
        """All whole messages that one read brings. Call it when the descriptor is readable."""
        try:
            data = os.read(self._fd, 1 << 16)
        except (ConnectionResetError, BrokenPipeError):
            data = b""
        if not data:
            self.closed = True
            return []
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines if line.strip()]
