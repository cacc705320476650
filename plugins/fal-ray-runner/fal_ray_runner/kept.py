"""Tracks the tables in Ray's object store, which live as long as the driver holds their references.

Independent of Ray.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Kept:
    """Tables by the node that wrote them. Drops the oldest to stay within `limit` bytes."""

    limit: int
    bytes: int = 0
    kept: int = 0
    dropped: int = 0
    from_store: int = 0
    from_gateway: int = 0
    _tables: OrderedDict[str, tuple[Any, int]] = field(default_factory=OrderedDict)

    def put(self, unique_id: str, reference: Any, size: int) -> None:
        """Holds a table in place of the node's previous one."""
        self._give_up(unique_id)
        if size > self.limit:
            self.dropped += 1
            return
        while self.bytes + size > self.limit:
            self._give_up(next(iter(self._tables)))
            self.dropped += 1
        self._tables[unique_id] = (reference, size)
        self.bytes += size
        self.kept += 1

    def references(self, unique_ids: Iterable[str]) -> dict[str, Any]:
        """Returns the references of the given nodes' tables, as far as they are held."""
        return {name: self._tables[name][0] for name in unique_ids if name in self._tables}

    def count(self, from_store: int, from_gateway: int) -> None:
        """Counts the reads of a node that ran."""
        self.from_store += from_store
        self.from_gateway += from_gateway

    def clear(self) -> None:
        """Drops all tables."""
        self._tables.clear()
        self.bytes = 0

    def __str__(self) -> str:
        reads = f"{self.from_store} reads from the object store, {self.from_gateway} by the gateway"
        return f"{reads}; {self.kept} tables kept ({self.bytes} bytes at the end, {self.dropped} given up)"

    def _give_up(self, unique_id: str) -> None:
        _, size = self._tables.pop(unique_id, (None, 0))
        self.bytes -= size
