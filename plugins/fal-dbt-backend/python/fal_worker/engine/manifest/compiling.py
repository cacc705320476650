"""SQL with names that only dbt knows, such as macros, compiled by a call of dbt.

This process starts the program itself: its job has the turn at the database, and nothing else can
close a DuckDB file here for the time of the call.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from typing import Any

from fal_worker.errors import Interrupted, SessionError

# Seconds between looks for a cancellation.
_LOOK = 0.2
# What dbt 2 writes around its messages, and the lines of a backtrace.
_AROUND = re.compile(r"^\[error\] \[[^\]]*\]: |\n\s+(\d+: |at \./|--> ).*")


class Compiler:
    """The command line of `dbt compile`, without the SQL at its end."""

    def __init__(self, words: list[str], env: dict[str, str], cancelled: threading.Event) -> None:
        self._words, self._env, self._cancelled = words, env, cancelled
        # The calls have one target folder.
        self._lock = threading.Lock()

    def compiled(self, sql: str, what: str) -> str:
        """Raises `SessionError` with dbt's words if dbt cannot compile it."""
        with self._lock:
            return self._called(sql, what)

    def _called(self, sql: str, what: str) -> str:
        process = subprocess.Popen(
            [*self._words, "--inline", sql],
            env={**os.environ, **self._env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        try:
            said = self._said(process)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        events = [event for line in said.splitlines() if (event := _event(line)) is not None]
        for event in events:
            compiled = (event.get("data") or {}).get("compiled")
            if process.returncode == 0 and isinstance(compiled, str):
                return compiled
        errors = [_message(event) for event in events if _level(event) == "error"]
        message = "\n".join(dict.fromkeys(filter(None, errors))) or said.strip()
        raise SessionError("dbt::compile", f"{what}: {message or 'dbt did not compile it'}")

    def _said(self, process: subprocess.Popen[str]) -> str:
        while True:
            try:
                return process.communicate(timeout=_LOOK)[0]
            except subprocess.TimeoutExpired:
                if self._cancelled.is_set():
                    raise Interrupted from None


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("info"), dict) else None


def _level(event: dict[str, Any]) -> str:
    return str(event["info"].get("level")).lower()


def _message(event: dict[str, Any]) -> str:
    return _AROUND.sub("", str(event["info"].get("msg") or "")).strip()
