"""Reads and writes PostgreSQL through ADBC, on separate connections."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from fal_worker.warehouse.column_rules import ColumnRules
from fal_worker.warehouse.interface import Place

from . import read as postgres_read
from . import write as postgres_write
from .connection import Connection, Connector

if TYPE_CHECKING:
    import pyarrow as pa

    from fal_worker.project.readable import Readable
    from fal_worker.warehouse.interface import Reading


class Postgres:
    """Serves dbt-postgres.

    Every read and write opens a connection and closes it at its end."""

    column_rules = ColumnRules("PostgreSQL", fold=None, longest=63)

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self._connector = Connector(adapter.config.credentials)
        self._lock = threading.Lock()
        self._schemas = threading.Lock()
        self._open: set[Connection] = set()
        self._only_reads = False

    def read(self, sql: str, readable: Readable | None = None) -> Reading:
        connection = self._connect()
        try:
            if self._only_reads:
                # Transactions that follow it on this connection inherit it.
                connection.run("set transaction read only")
            if readable is None:
                return postgres_read.read(connection, sql)
            return postgres_read.read_checked(connection, sql, readable)
        except BaseException:
            connection.close()
            raise

    def begin_write(
        self,
        relation: Any,
        reader: pa.RecordBatchReader,
        mode: str = "overwrite",
        types: dict[str, str] | None = None,
        place: Place = Place.MODEL,
    ) -> postgres_write.Write:
        if relation.database:
            # A connection is to one database, whatever a name says.
            self._adapter.verify_database(relation.database)
        connection = self._connect()
        try:
            with self._schemas:
                postgres_write.make_schema(connection, relation)
            return postgres_write.begin(connection, relation, reader, mode, types or {}, place)
        except BaseException:
            connection.close()
            raise

    def only_read(self) -> None:
        self._only_reads = True

    def cancel(self) -> None:
        with self._lock:
            running = list(self._open)
        for connection in running:
            connection.cancel()

    def _connect(self) -> Connection:
        connection = self._connector.connect(self._forget)
        with self._lock:
            self._open.add(connection)
        return connection

    def _forget(self, connection: Connection) -> None:
        with self._lock:
            self._open.discard(connection)
