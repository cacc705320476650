"""Reads and writes through any dbt adapter that runs SQL over a cursor of Python's DB-API.

It is slow beside a native path, since every value passes through Python. What dbt can do with
seeds, this can do with frames.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.warehouse.column_rules import ColumnRules
from fal_worker.warehouse.interface import Dialect, Place

from . import read as generic_read
from .connection import Connections
from .write import Write, Writer

if TYPE_CHECKING:
    import pyarrow as pa

    from fal_worker.project.readable import Readable
    from fal_worker.warehouse.interface import Reading


# Behind comments and brackets.
_QUERY = re.compile(r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(?:select|with)\b", re.IGNORECASE | re.DOTALL)


def open_warehouse(adapter: Any, dialect: Dialect) -> Generic:
    if not hasattr(adapter, "add_query"):
        raise SessionError(
            "gateway::adapter",
            f"Python models cannot read or write through the dbt adapter `{adapter.type()}`: it has no cursors that take SQL",
            "SQL models run there as always.",
        )
    return Generic(adapter, dialect)


class Generic:
    """Serves any adapter with connections of Python's DB-API."""

    _only_reads = False

    def __init__(self, adapter: Any, dialect: Dialect) -> None:
        self._adapter = adapter
        self._connections = Connections(adapter)
        self.column_rules = ColumnRules(
            f"the dbt adapter `{adapter.type()}`", str.lower if dialect.folds_case else None
        )
        self._writer = Writer(self._connections, dialect)

    def read(self, sql: str, readable: Readable | None = None) -> Reading:
        assert readable is None, "nothing here checks what SQL does"
        self._check_reads(sql)
        with self._connections.lend() as connection:
            return generic_read.read(connection, sql)

    def begin_write(
        self,
        relation: Any,
        reader: pa.RecordBatchReader,
        mode: str = "overwrite",
        types: dict[str, str] | None = None,
        place: Place = Place.MODEL,
    ) -> Write:
        return self._writer.begin(relation, reader, mode, types or {}, place)

    def only_read(self) -> None:
        self._only_reads = True

    def _check_reads(self, sql: str) -> None:
        """Not every adapter has transactions that can only read."""
        if self._only_reads and not _QUERY.match(sql):
            raise SessionError(
                "gateway::show",
                "`show` runs only queries of a model: SQL that begins with select or with",
            )

    def cancel(self) -> None:
        self._connections.cancel()
