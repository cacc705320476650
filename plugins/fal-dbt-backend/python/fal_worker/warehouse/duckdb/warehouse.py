"""Reads and writes the DuckDB database that dbt has open, through separate cursors."""

from __future__ import annotations

import ast
import contextlib
import threading
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import duckdb

from fal_worker.errors import SessionError
from fal_worker.warehouse.column_rules import COMMON, ColumnRules, ascii_lower
from fal_worker.warehouse.interface import Borrowed, Place, Reading
from fal_worker.warehouse.spool import whole

from . import check as duckdb_check
from . import tables as duckdb_tables
from .cache import BlockCache, is_plain, row_groups
from .read import raised, reader_of
from .types import writable

if TYPE_CHECKING:
    import pyarrow as pa

    from fal_worker.project.readable import Readable
    from fal_worker.warehouse.interface import Finish

# A multiple of DuckDB's vector of 2048 rows; small enough to stay in the caches, large enough to
# amortise a message.
_BATCH_ROWS = 1 << 14


class DuckDB:
    """Serves dbt-duckdb.

    Every read and write has its own connection, as dbt's nodes have."""

    column_rules = ColumnRules(
        "DuckDB",
        ascii_lower,
        folds_fields=True,
        has_unions=True,
        extensions=COMMON | {"arrow.bool8", "arrow.opaque[DuckDB]", "geoarrow.wkb"},
    )

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self._lock = threading.Lock()
        self._schemas = threading.Lock()
        self._open: set[_Connection] = set()
        self._only_reads = False

    def read(self, sql: str, readable: Readable | None = None) -> Reading:
        connection = self._connect(sql)
        try:
            if self._only_reads:
                connection.cursor.execute("begin transaction read only")
            if readable is not None:
                duckdb_check.check(sql, readable, connection.place)
            # A relation streams; what `execute` gives would be copied whole first.
            result = connection.cursor.sql(sql) if sql.strip() else None
            returns = result is not None and not _is_count(sql, result)
            reader = reader_of(result, _BATCH_ROWS) if returns else _nothing()
        except duckdb.Error as error:
            connection.close()
            raise _failure(error) from None
        except BaseException:
            connection.close()
            raise
        if not returns:
            connection.close()
        return Reading(reader, connection.close, typed=True)

    def begin_write(
        self,
        relation: Any,
        reader: pa.RecordBatchReader,
        mode: str = "overwrite",
        types: dict[str, str] | None = None,
        place: Place = Place.MODEL,
    ) -> _Write:
        # DuckDB's views depend on a table's name and not on the table, so `place` makes no
        # difference.
        connection = self._connect()
        cache = BlockCache(self, connection.cursor)
        stream = writable(reader)
        try:
            self._make_schema(connection.cursor, relation)
            batches = row_groups(stream.reader(), cache.trim)
            rows = duckdb_tables.write(connection.cursor, relation, batches, mode, types or {})
            return _Write(connection, relation, rows, mode != "append")
        except duckdb.Error as error:
            connection.rollback()
            raise stream.error or raised(error) or _failure(error, f"Writing {relation}") from None
        except BaseException:
            connection.rollback()
            raise
        finally:
            cache.close()

    def write_native(self, connection: Any, code: str, reader: pa.RecordBatchReader) -> int:
        cursor = _unwrap(connection.handle)
        if not connection.transaction_open and not self._adapter.disable_transactions():
            # So that a failure later in dbt's macro leaves nothing behind.
            cursor.execute("begin transaction")
            connection.transaction_open = True
        target, stream = _Counting(cursor), writable(reader)
        try:
            _materialize(code)(stream.reader(), target)
        except duckdb.Error as error:
            raise stream.error or _failure(error, "Writing the model") from None
        return target.rows

    def cancel(self) -> None:
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(duckdb.Error):  # it may be closing
                    connection.cursor.interrupt()

    def only_read(self) -> None:
        self._only_reads = True

    def readings(self) -> list[_Connection]:
        """The connections that are reading."""
        with self._lock:
            return [connection for connection in self._open if connection.sql is not None]

    @contextlib.contextmanager
    def only_streams(self) -> Iterator[bool]:
        """Gives whether only streams run here: scans of tables, and inserts.

        Nothing else begins until the end of the `with`."""
        with self._lock:
            yield all(connection.is_plain for connection in self._open)

    def _connect(self, sql: str | None = None) -> _Connection:
        """Opens a connection that reads `sql`, or one that writes."""
        handle = self._environment().handle()
        connection = _Connection(handle, self._forget, sql)
        with self._lock:
            self._open.add(connection)
        return connection

    def _environment(self) -> Any:
        """dbt-duckdb's environment, which its first connection makes: a run without models has none
        yet."""
        connections = self._adapter.connections
        with self._schemas:
            if getattr(connections, "_ENV", True) is None:
                with self._adapter.connection_named("fal_open"):
                    connections.open(connections.get_thread_connection())
        return connections.env()

    def _forget(self, connection: _Connection) -> None:
        with self._lock:
            self._open.discard(connection)

    def _make_schema(self, cursor: Any, relation: Any) -> None:
        # Two transactions that make the same schema would conflict: one after the other, each
        # committed at once.
        with self._schemas:
            cursor.execute(f"create schema if not exists {relation.without_identifier()}")


class _Connection:
    """A cursor of the database that dbt has open."""

    def __init__(self, handle: Any, on_close: Any, sql: str | None) -> None:
        self.handle, self._on_close, self.sql = handle, on_close, sql
        self.cursor = _unwrap(handle)
        self._closed = False
        # Whether it holds only a few rows at a time, as far as is known.
        self.is_plain = sql is None
        self._looked = False

    def place(self) -> tuple[str, str]:
        """The database and schema of names without any."""
        database, schema = self.cursor.execute(
            "select current_database(), current_schema()"
        ).fetchall()[0]
        return str(database), str(schema)

    def look(self, cursor: Any) -> None:
        """Finds out, on another connection, whether what is read is plain."""
        if not self._looked and self.sql is not None:
            self._looked, self.is_plain = True, is_plain(cursor, self.sql)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._on_close(self)
            self.handle.close()

    def rollback(self) -> None:
        with contextlib.suppress(
            duckdb.Error
        ):  # no transaction, or one that DuckDB has already rolled back
            self.cursor.execute("rollback")
        self.close()


class _Write:
    """A table in an open transaction."""

    def __init__(self, connection: _Connection, relation: Any, rows: int, is_new: bool) -> None:
        self._connection, self.rows, self._is_new = connection, rows, is_new
        # In its own transaction the table has its name already.
        self.relation, self.identifier = relation, str(relation.identifier)

    def commit(self, finish: Finish | None = None) -> bool:
        try:
            if finish is not None:
                finish(Borrowed(self._connection.handle), self._is_new)
            self._connection.cursor.execute("commit")
        except duckdb.Error as error:
            self._connection.rollback()
            raise _failure(error, "Committing the model's table") from None
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.close()
        return self._is_new

    def rollback(self) -> None:
        self._connection.rollback()

    def read(self, sql: str, readable: Readable | None = None) -> Reading:
        self._connection.is_plain = False
        try:
            if readable is not None:
                duckdb_check.check(sql, readable, self._connection.place)
            if len(duckdb.extract_statements(sql)) != 1:  # one of them could be a `commit`
                raise SessionError(
                    "gateway::own_table",
                    "After its write a model reads its own table by one statement at a time",
                )
            result = self._connection.cursor.sql(sql)
            return whole(
                _nothing()
                if result is None or _is_count(sql, result)
                else reader_of(result, _BATCH_ROWS)
            )
        except duckdb.Error as error:
            raise _failure(error) from None


class _Counting:
    """The connection that the adapter's `materialize` gets.

    A stream can be read only once. So statements of the adapter that only want the columns (`limit
    0`, on DuckLake) read an empty table instead."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._empty: dict[str, str] = {}
        self.rows = 0

    def register(self, name: str, frame: Any) -> None:
        self._empty[name] = "_fal_" + uuid.uuid4().hex
        self._cursor.register(self._empty[name], frame.schema.empty_table())
        self._cursor.register(name, frame)

    def unregister(self, name: str) -> None:
        self._cursor.unregister(self._empty.pop(name))
        self._cursor.unregister(name)

    def execute(self, sql: str) -> None:
        for name, empty in self._empty.items():
            if sql.endswith(f" from {name} limit 0"):
                sql = sql.removesuffix(f"{name} limit 0") + empty
        answer = self._cursor.execute(sql).fetchall()
        if answer and isinstance(answer[0][0], int):
            self.rows = answer[0][0]


def _materialize(code: str) -> Any:
    """The function that dbt-duckdb's macro added to the user's code. The rest of the code does not
    run."""
    functions = [
        n
        for n in ast.parse(code.lstrip()).body
        if isinstance(n, ast.FunctionDef) and n.name == "materialize"
    ]
    if not functions:
        raise SessionError(
            "dbt::unsupported", "This dbt-duckdb gives Python models no `materialize` function"
        )
    namespace: dict[str, Any] = {}
    exec(compile(ast.Module([functions[-1]], []), "<dbt-duckdb>", "exec"), namespace)
    return namespace["materialize"]


def _unwrap(handle: Any) -> Any:
    """The connection of the `duckdb` module inside dbt-duckdb's wrappers."""
    while (
        inner := handle.__dict__.get("_cursor") if hasattr(handle, "__dict__") else None
    ) is not None:
        handle = inner
    if not isinstance(handle, duckdb.DuckDBPyConnection):
        raise SessionError(
            "gateway::adapter", "Python models cannot use a remote DuckDB (Buena Vista)"
        )
    return handle


def _is_count(sql: str, relation: Any) -> bool:
    """Whether the result is only DuckDB's count of changed rows."""
    if list(relation.columns) != ["Count"]:
        return False
    return (
        duckdb.ExpectedResultType.CHANGED_ROWS
        in duckdb.extract_statements(sql)[-1].expected_result_type
    )


def _nothing() -> pa.RecordBatchReader:
    import pyarrow as pa

    return pa.RecordBatchReader.from_batches(pa.schema([]), [])


def _failure(error: duckdb.Error, doing: str | None = None) -> SessionError:
    text = str(error).strip()
    return SessionError("gateway::database", f"{doing} failed: {text}" if doing else text)
