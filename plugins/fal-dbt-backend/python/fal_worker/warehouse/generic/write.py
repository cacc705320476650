"""Writes a stream of Arrow into a table through the adapter's own statements.

The rows go into a table beside the old one, and each statement is committed at once, so nothing is
locked while rows are awaited. `commit` puts the new table in place by renaming, as dbt's
materializations do, in one transaction if the adapter has them. Without transactions the old table
is called `NAME__fal_backup` between the two renamings; if the process is killed right there, the
next write begins by giving it its name back. What scripts write (`Place`) keeps the table where
there are transactions: it gets new rows only, if the columns are the same.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.warehouse.interface import Dialect, Place

from . import read as generic_read
from .connection import Connection, Connections, both, quoted
from .encode import Types, parameters
from .tables import Tables

if TYPE_CHECKING:
    import pyarrow as pa

    from fal_worker.project.readable import Readable
    from fal_worker.warehouse.interface import Finish, Reading


class Writer:
    """Begins writes."""

    def __init__(self, connections: Connections, dialect: Dialect) -> None:
        self.connections, self.dialect = connections, dialect
        self._schemas = threading.Lock()
        self._one = threading.Lock()

    def begin(
        self,
        relation: Any,
        reader: pa.RecordBatchReader,
        mode: str,
        types: dict[str, str],
        place: Place,
    ) -> Write:
        with self.tables(relation) as (_, tables), self._schemas, self.turn():
            tables.make_schema()
            tables.recover()
        write = self.make(relation, reader.schema, mode, types, place)
        try:
            write.fill(reader)
        except BaseException:
            write.rollback()
            raise
        return write

    def make(
        self, relation: Any, schema: pa.Schema, mode: str, types: dict[str, str], place: Place
    ) -> Write:
        return Write(self, relation, schema, mode, types, place)

    @contextlib.contextmanager
    def tables(self, relation: Any) -> Iterator[tuple[Connection, Tables]]:
        with self.connections.lend() as connection:
            yield connection, Tables(connection, relation)

    def turn(self) -> contextlib.AbstractContextManager[Any]:
        """The lock of databases that let only one connection write at a time."""
        return self._one if self.dialect.one_writer else contextlib.nullcontext()


class Write:
    """A table beside the one that it will replace, or whose rows will go into the one that is
    there."""

    def __init__(
        self,
        writer: Writer,
        relation: Any,
        schema: pa.Schema,
        mode: str,
        types: dict[str, str],
        place: Place,
    ) -> None:
        self._writer, self._relation, self._append = writer, relation, mode == "append"
        self._place = place
        self._schema, self._given = schema, types
        self._adapter = writer.connections.adapter
        self._names = [quoted(self._adapter, name) for name in schema.names]
        self._definition = ""
        self.identifier = ""
        # dbt's own, for the threads that end the write.
        self._context = contextvars.copy_context()
        self.rows = 0

    def fill(self, reader: pa.RecordBatchReader) -> None:
        with self._writer.tables(self._relation) as (connection, tables):
            there = tables.look_up(tables.relation)
            self._append = self._append and there is not None
            known = tables.check_append(there, self._schema.names) if self._append else []
            self._definition = self._columns(connection, known)
            connection.commit()
            with self._writer.turn():
                tables.drop(tables.stage)
                connection.run(f"create table {tables.stage} ({self._definition})")
                connection.commit()
            self.place(tables, known)
            self._insert(connection, tables.stage, reader)

    def place(self, tables: Tables, known: list[Any]) -> None:
        """Notes where the rows are until `commit`; `known` are the columns of a table that gets
        more."""
        self._stage, self._known = tables.stage, known
        self.identifier = str(tables.stage.identifier)

    @property
    def relation(self) -> Any:
        return (
            both(self._adapter, self._relation, self._stage, self._known, self._schema.names)
            if self._append
            else self._stage
        )

    def read(self, sql: str, readable: Readable | None = None) -> Reading:
        assert readable is None, "nothing here checks what SQL does"
        return self._context.copy().run(self._read, sql)

    def _read(self, sql: str) -> Reading:
        with self._writer.connections.lend() as connection:
            return generic_read.read(connection, sql)

    def commit(self, finish: Finish | None = None) -> bool:
        return self._context.copy().run(self._commit, finish)

    def rollback(self) -> None:
        # What is left over is dropped by the next write.
        with contextlib.suppress(Exception):
            self._context.copy().run(self._drop_stage)

    def _commit(self, finish: Finish | None) -> bool:
        try:
            with self._writer.turn(), self._writer.tables(self._relation) as (connection, tables):
                return self._settle(connection, tables, finish)
        except SessionError as error:
            self._undo()
            raise SessionError(
                error.code, f"Committing the model's table failed: {error.message}", error.help
            ) from None

    def _settle(self, connection: Connection, tables: Tables, finish: Finish | None) -> bool:
        """Whether the table is a new one."""
        dialect = self._writer.dialect
        there = tables.look_up(tables.relation)
        keeps = there is not None and self._place is not Place.MODEL and dialect.transactions
        if self._append or (keeps and tables.alike(there, tables.stage)):
            connection.begin()
            if not self._append:
                connection.run(f"delete from {tables.relation}")
            self._pour(connection, tables)
            connection.finish(finish, False)
            connection.commit()
            return False
        (self._replace if dialect.in_place else self._swap)(connection, tables, there, finish)
        return True

    def _swap(
        self, connection: Connection, tables: Tables, there: Any, finish: Finish | None
    ) -> None:
        tables.drop(tables.backup)
        connection.begin()
        if there is not None:
            tables.rename(there, tables.backup)
        tables.rename(tables.stage, tables.relation)
        connection.finish(finish, True)
        if there is not None and self._place is Place.SOURCE and self._writer.dialect.transactions:
            # dbt's macro would drop with it what hangs on it; so it is an error instead.
            connection.run(f"drop {there.type} {tables.backup}")
        connection.commit()
        tables.drop(tables.backup)
        connection.commit()

    def _replace(
        self, connection: Connection, tables: Tables, there: Any, finish: Finish | None
    ) -> None:
        # A transaction that begins by reading could not wait for its turn to write.
        connection.begin()
        if there is not None:
            tables.drop_there(there)
        connection.run(f"create table {tables.relation} ({self._definition})")
        self._pour(connection, tables)
        connection.finish(finish, True)
        connection.commit()

    def _pour(self, connection: Connection, tables: Tables) -> None:
        """Moves the rows of the stage into the table, and drops the stage."""
        names = ", ".join(self._names)
        connection.run(
            f"insert into {tables.relation} ({names}) select {names} from {tables.stage}"
        )
        tables.drop_there(tables.stage)

    def _undo(self) -> None:
        """Where there are no transactions, the old table may be without its name."""
        with (
            contextlib.suppress(Exception),
            self._writer.turn(),
            self._writer.tables(self._relation) as (_, tables),
        ):
            tables.recover()
        self.rollback()

    def _drop_stage(self) -> None:
        with self._writer.turn(), self._writer.tables(self._relation) as (connection, tables):
            tables.drop(tables.stage)
            connection.commit()

    def _columns(self, connection: Connection, known: list[Any]) -> str:
        """The table's columns.

        Of a column without any value only the table that it is appended to knows the type."""
        import pyarrow.types as t

        types = Types(connection, self._writer.dialect)
        there = {column.name.lower(): column for column in known}
        columns = []
        for name, field in zip(self._names, self._schema):
            sql = self._given.get(field.name)
            if sql is None and t.is_null(field.type) and field.name.lower() in there:
                sql = there[field.name.lower()].data_type
            columns.append(f"{name} {sql or types.sql(field.name, field.type)}")
        return ", ".join(columns)

    def _insert(self, connection: Connection, stage: Any, reader: pa.RecordBatchReader) -> None:
        mark = str(connection.macro("get_binding_char")).strip()
        most = int(connection.macro("get_batch_size"))
        connection.commit()
        width = len(self._names)
        names = ", ".join(self._names)
        into = f"insert into {stage} ({names}) values "
        if mark == "%s":
            into = into.replace("%", "%%")
        one = f"({', '.join([mark] * width)})"
        dialect = self._writer.dialect
        for batch in reader:
            for rows, values in parameters(
                batch,
                max(1, min(most, dialect.parameters // width)),
                dialect.plain_values,
                self.rows,
            ):
                with self._writer.turn():
                    connection.run(into + ", ".join([one] * rows), values)
                    connection.commit()
                self.rows += rows
