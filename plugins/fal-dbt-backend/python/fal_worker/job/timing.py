"""When a job's code ran, and when it read and wrote: steps in the form of dbt's `timing`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

# Reads and writes of one job that are reported. A loop may make any number of them.
_MOST = 200


class Steps:
    """The steps of a job, in the order of their ends."""

    def __init__(self) -> None:
        self._all: list[dict[str, str]] = []

    @contextlib.contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Adds a step that takes as long as the block, however it ends."""
        started = _now()
        try:
            yield
        finally:
            if len(self._all) < _MOST:
                self._all.append({"name": name, "started_at": started, "completed_at": _now()})

    def report(self) -> list[dict[str, str]]:
        """The steps so far."""
        return list(self._all)


def read(command: dict[str, Any]) -> str:
    """The name of a read: `read orders`, `read raw.payments`, and `read` alone for a query."""
    names = command.get("args") or [command.get("relation")]
    relation = ".".join(str(name) for name in names if name)
    return f"read {relation}" if relation else "read"


def write(command: dict[str, Any]) -> str:
    """The name of a write: `write`, and for another table than the model's own `write raw.x`."""
    return " ".join(["write", ".".join(map(str, command.get("args") or []))]).strip()


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
