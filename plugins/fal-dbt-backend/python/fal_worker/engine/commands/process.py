"""One call of the `dbt` program, heard line by line."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fal_worker.errors import Interrupted, SessionError

_LAST_LINES = 40


@dataclass
class Ended:
    """How a call ended."""

    code: int
    # What it said at level error, or without a form.
    errors: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def message(self) -> str:
        said = self.errors or self.lines
        return (
            "\n".join(said[-_LAST_LINES:]).strip()
            or f"dbt ended with code {self.code} and said nothing"
        )


class Dbt:
    """The program. One call at a time."""

    def __init__(self, program: str) -> None:
        self.program = program
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = False

    def call(
        self, words: list[str], hear: Callable[[dict[str, Any]], None], said: Callable[[str], None]
    ) -> Ended:
        """Runs it to its end. `hear` gets its events, `said` what is none."""
        ended = Ended(-1)
        process = self._start(words)
        assert process.stdout is not None
        try:
            for line in process.stdout:
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                event = _event(text)
                if event is not None:
                    if event["info"].get("level") == "error":
                        ended.errors.append(str(event["info"].get("msg", "")).strip())
                    hear(event)
                elif text.strip():
                    ended.lines.append(text)
                    said(text)
            ended.code = process.wait()
        finally:
            with self._lock:
                self._process = None
        return ended

    def cancel(self) -> None:
        """As Ctrl-C: dbt cancels its queries and ends."""
        self._cancelled = True
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        self._cancelled = True
        self._signal(signal.SIGKILL)

    def end_within(self, seconds: float) -> None:
        """Kills what is left then."""
        deadline = time.monotonic() + seconds
        while self._process is not None and time.monotonic() < deadline:
            time.sleep(0.02)
        self.kill()

    def _start(self, words: list[str]) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._cancelled:
                raise Interrupted()
            try:
                self._process = subprocess.Popen(
                    [self.program, *words],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, "PYTHONUNBUFFERED": "1"},
                )
            except OSError as error:
                raise SessionError(
                    "dbt::start", f"{self.program} did not start: {error.strerror or error}"
                ) from None
            return self._process

    def _signal(self, number: int) -> None:
        with self._lock, contextlib.suppress(OSError):
            if self._process is not None:
                self._process.send_signal(number)


def _event(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) and isinstance(value.get("info"), dict) else None
