"""Loads a stream of Arrow into a table beside the old one, which then takes its place.

`fill` makes `NAME__fal_tmp` and loads the rows into it. `commit` makes the table from those rows by
the adapter's own `create_table_as`, with everything that the model configures. Where that statement
is `create or replace`, the name is never without a table. Where the adapter itself drops first (a
view, a format that cannot be replaced), the old table is dropped first here too.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fal_worker.warehouse.generic import write as generic_write
from fal_worker.warehouse.generic.connection import quoted
from fal_worker.warehouse.interface import Place

from .types import columns

if TYPE_CHECKING:
    import pyarrow as pa

    from fal_worker.warehouse.generic.connection import Connections
    from fal_worker.warehouse.generic.tables import Tables
    from fal_worker.warehouse.interface import Dialect, Finish

    from .types import Words


class Writer(generic_write.Writer):
    """Begins writes of one warehouse."""

    def __init__(
        self, connections: Connections, dialect: Dialect, words: Words, write: type[Write]
    ) -> None:
        super().__init__(connections, dialect)
        self.words, self._write = words, write

    def make(
        self, relation: Any, schema: pa.Schema, mode: str, types: dict[str, str], place: Place
    ) -> Write:
        return self._write(self, relation, schema, mode, types, place)


class Write(generic_write.Write):
    """A write into a stage. Each warehouse implements `load` and a few statements."""

    _writer: Writer
    # Of a statement that makes a table, whose rows are those of a query, and of one that replaces
    # all rows.
    create = "create or replace table {table} as {select}"
    overwrite = "insert overwrite {table} ({names}) {select}"
    create_stage = "create table"
    # For the adapter's `create_table_as`, behind the query.
    how: tuple[str, ...] = ()

    def __init__(self, writer: Writer, *request: Any) -> None:
        super().__init__(writer, *request)
        schema, types = self._schema, self._given
        self.columns = columns(schema, writer.words, types)
        self._untyped = [str(field.type) == "null" and field.name not in types for field in schema]
        # Of the table in the end, and of the one beside it.
        self.names = [self.named(column.name) for column in self.columns]

    def named(self, name: str) -> str:
        """A column of a new table."""
        return quoted(self._adapter, name)

    def load(self, connection: Any, tables: Tables, reader: pa.RecordBatchReader) -> None:
        """Brings all rows into the stage, and counts them."""
        raise NotImplementedError

    # What the general path calls.

    def fill(self, reader: pa.RecordBatchReader) -> None:
        with self._writer.tables(self._relation) as (connection, tables):
            there = tables.look_up(tables.relation)
            self._append = self._append and there is not None
            known = (
                tables.check_append(there, [column.name for column in self.columns])
                if self._append
                else []
            )
            if self._append:
                self._fit(known)
            self.place(tables, known)
            connection.commit()
            tables.drop(tables.stage)
            self.make_stage(connection, tables)
            connection.commit()
            self.load(connection, tables, reader)
            connection.check()

    def make_stage(self, connection: Any, tables: Tables) -> None:
        definition = ", ".join(
            f"{name} {column.sql}" for name, column in zip(self.names, self.columns)
        )
        connection.run(f"{self.create_stage} {tables.stage} ({definition})")

    def _settle(self, connection: Any, tables: Tables, finish: Finish | None) -> bool:
        there = tables.look_up(tables.relation)
        if self._append:
            connection.run(
                f"insert into {tables.relation} ({', '.join(self.names)}) {self.select(tables)}"
            )
        elif there is not None and self._place is not Place.MODEL and self.alike(tables, there):
            connection.run(
                self.overwrite.format(
                    table=tables.relation, names=", ".join(self.names), select=self.select(tables)
                )
            )
        else:
            self._make(connection, tables, there, finish)
            connection.finish(finish, True)
            self._clear(tables)
            return True
        connection.finish(finish, False)
        self._clear(tables)
        return False

    def select(self, tables: Tables) -> str:
        """The rows in the table's order."""
        return f"select {', '.join(self.names)} from {tables.stage}"

    def alike(self, tables: Tables, there: Any) -> bool:
        """Whether the table that is there has the columns of the new one."""
        return tables.alike(there, tables.stage)

    # Steps.

    def _make(self, connection: Any, tables: Tables, there: Any, finish: Finish | None) -> None:
        select = self.select(tables)
        made = connection.create_sql(finish, tables.relation, select, *self.how)
        sql = made if made is not None else self.create.format(table=tables.relation, select=select)
        if there is not None and self.must_drop(there, sql, finish):
            tables.drop_there(there)
        connection.run(sql)

    def must_drop(self, there: Any, sql: str, finish: Finish | None) -> bool:
        """Whether the adapter, too, would drop what is there first."""
        return (
            str(there.type) != "table"
            or re.search(r"\bcreate\s+or\s+replace\b", sql, re.IGNORECASE) is None
        )

    def _clear(self, tables: Tables) -> None:
        """The table is in its place whatever becomes of the one beside it, which the next write
        would drop."""
        with contextlib.suppress(Exception):
            tables.drop_there(tables.stage)

    def _fit(self, known: list[Any]) -> None:
        """Names as the table has them; columns without any value get the type that they have there."""
        there = {column.name.lower(): column for column in known} | {
            column.name: column for column in known
        }
        found = [there.get(column.name) or there[column.name.lower()] for column in self.columns]
        self.names = [quoted(self._adapter, column.name) for column in found]
        self.columns = [
            replace(column, sql=str(other.data_type), given=True, parse=None, empty=True)
            if untyped
            else column
            for column, other, untyped in zip(self.columns, found, self._untyped)
        ]
