"""Sends a job's output to the gateway, and a heartbeat."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, BinaryIO

from .access import Access, Refused, Unreachable

# Seconds between two heartbeats, and without an answer until the job is given up.
_BEAT, _LOST = 1.0, 30.0
# Seconds that the end waits for what is under way.
_PATIENCE = 5.0
# Lines and characters of one message, and lines that may wait before the printing code has to.
_LINES, _CHARACTERS, _WAITING = 1000, 1 << 20, 20_000
# Longest line that is passed on.
_LONGEST = 64 * 1024


def lines(file: BinaryIO) -> Iterator[str]:
    """The lines of a stream, without their ends. However long one is, little of it is kept."""
    kept, dropped = bytearray(), 0
    while piece := file.readline(_LONGEST):
        body = piece[:-1] if piece.endswith(b"\n") else piece
        room = _LONGEST - len(kept)
        kept += body[:room]
        dropped += len(body[room:])
        if body is not piece:
            yield _text(kept, dropped)
            kept, dropped = bytearray(), 0
    if kept:
        yield _text(kept, dropped)


def _text(kept: bytearray, dropped: int) -> str:
    text = kept.decode("utf-8", "replace").rstrip("\r")
    return f"{text} [... {dropped} bytes more]" if dropped else text


class Outgoing:
    """Threads that send lines and heartbeats.

    Calls `on_end` once with the reason why the job must end: `stop`, `fenced` or `lost`.
    """

    def __init__(self, access: Access, on_end: Callable[[str], None]) -> None:
        self._access, self._on_end = access, on_end
        self._lines: deque[list[str]] = deque()
        self._changed = threading.Condition()
        self._closing = self._dead = False
        self._heard = time.monotonic()
        self._sender = threading.Thread(target=self._send, name="fal-outgoing", daemon=True)
        self._beater = threading.Thread(target=self._beat, name="fal-beat", daemon=True)
        for thread in (self._sender, self._beater):
            thread.start()

    def put(self, stream: str, text: str) -> None:
        """Adds one line, without its end. Blocks while too many lines wait."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._lines) < _WAITING or self._dead)
            self._lines.append([stream, text])
            self._changed.notify_all()

    def close(self) -> None:
        """Sends the remaining lines, as long as the gateway answers."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._sender.join()

    def join(self) -> None:
        """Waits for its threads, after the job's answer: Python must not end under them."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in (self._sender, self._beater):
            thread.join(_PATIENCE)

    def _send(self) -> None:
        while lines := self._next():
            while not self._dead and not self._reached(partial(self._access.output, lines)):
                time.sleep(_BEAT / 2)

    def _beat(self) -> None:
        while not self._dead and not self._closing:
            if not self._reached(lambda: self._access.beat(_BEAT)):
                time.sleep(_BEAT / 2)

    def _reached(self, ask: Callable[[], bool]) -> bool:
        """Whether the gateway answered."""
        try:
            if ask():
                self._end("stop")
            self._heard = time.monotonic()
        except Refused:
            self._end("fenced")
        except Unreachable:
            if time.monotonic() - self._heard > _LOST:
                self._end("lost")
            return False
        return True

    def _next(self) -> list[list[str]]:
        """The lines to send next; empty at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._closing or self._dead)
            lines: list[Any] = []
            room = _CHARACTERS
            while self._lines and len(lines) < _LINES and room > 0 and not self._dead:
                lines.append(self._lines.popleft())
                room -= len(lines[-1][1])
            self._changed.notify_all()
            return lines

    def _end(self, why: str) -> None:
        with self._changed:
            if self._dead or (self._closing and why == "fenced" and not self._lines):
                return  # at the end a heartbeat may cross the answer
            self._dead = True
            self._lines.clear()
            self._changed.notify_all()
        self._on_end(why)
