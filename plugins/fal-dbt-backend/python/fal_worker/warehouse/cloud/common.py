"""Cloud warehouses: what those with a module of their own here have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fal_worker.warehouse.column_rules import ColumnRules
from fal_worker.warehouse.generic import dialect as generic_dialect
from fal_worker.warehouse.generic import warehouse as generic
from fal_worker.warehouse.generic.connection import Connections

from .connection import Connection
from .types import Words
from .write import Write, Writer

if TYPE_CHECKING:
    from fal_worker.warehouse.interface import Reading


class Cloud(generic.Generic):
    """The general path, with reads and writes of the warehouse's own."""

    words: Words
    connection: type[Connection] = Connection
    write: type[Write]

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self._connections = Connections(adapter, self.connection)
        self.column_rules = ColumnRules(
            self.words.warehouse, folds_fields=self.words.nested is not Words.nested
        )
        self._writer = Writer(
            self._connections, generic_dialect.of(adapter), self.words, self.write
        )

    def read(self, sql: str) -> Reading:
        with self._connections.lend() as connection:
            return self.read_on(connection, sql)

    def read_on(self, connection: Any, sql: str) -> Reading:
        raise NotImplementedError
