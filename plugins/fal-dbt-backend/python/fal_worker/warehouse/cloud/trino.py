"""Trino: pages of rows both ways, since it has no bulk way in and its client has no Arrow.

Nothing of this was run against a real server.

- Reading: the client's own cursor, page by page. (What dbt-trino puts around it fetches everything
  at once, and of that gives out only as many rows as are asked for the first time.)
- Writing: literals in statements of less than the million characters that Trino takes by default,
  then the swap by renaming, or by `create or replace table` if the model says `on_table_exists:
  replace`. Lists, structs and maps become text, as JSON, since few connectors take them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from fal_worker.warehouse.generic.read import nothing, rows

from . import common as cloud
from . import loading
from . import write as cloud_write
from .loading import iso
from .types import Words, dtype_types

if TYPE_CHECKING:
    import pyarrow as pa

    from fal_worker.warehouse.generic.tables import Tables
    from fal_worker.warehouse.interface import Finish, Reading

    from .loading import Literal


def literal(type: Any) -> Literal:
    """Returns the function that writes literals of this type."""
    import pyarrow.types as t

    if t.is_boolean(type):
        return lambda value: "true" if value else "false"
    if t.is_integer(type):
        return lambda value: f"bigint '{value}'"
    if t.is_floating(type):
        return _double
    if t.is_decimal(type):
        return lambda value: f"cast('{value:f}' as decimal({type.precision}, {type.scale}))"
    if t.is_binary(type):
        return lambda value: f"X'{value.hex()}'"
    if t.is_date(type):
        return lambda value: f"date '{iso(value)}'"
    if t.is_time(type):
        return lambda value: f"time '{iso(value)}'"
    if t.is_timestamp(type):
        zone = " UTC" if type.tz else ""
        return lambda value: f"timestamp '{iso(value)}{zone}'"
    return text


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _double(value: float) -> str:
    if math.isfinite(value):
        return f"double '{value!r}'"
    return "nan()" if math.isnan(value) else ("infinity()" if value > 0 else "-infinity()")


_NEW = "__fal_new"
_ROWS, _CHARACTERS = 2_000, 900_000
_WORDS = Words(
    "Trino",
    binary="varbinary",
    time="time(6)",
    timestamp="timestamp(6)",
    zoned="timestamp(6) with time zone",
    parse={"json": "json_parse({})"},
)


class Connection(cloud.Connection):
    """A connection whose cursors are the client's own."""

    def __init__(self, adapter: Any) -> None:
        super().__init__(adapter)
        self._cursor: Any = None

    def execute(self, sql: str) -> Any:
        """Runs one statement; gives the client's cursor.

        Of a statement without rows, only fetching tells that it ended."""
        self._cursor = self.handle.handle.cursor()
        self.direct(lambda: self._cursor.execute(sql))
        return self._cursor

    def interrupt(self) -> None:
        cursor = self._cursor
        if cursor is not None:
            cursor.cancel()
        if self.own is not None and self.own.state == "open":
            # What dbt runs.
            self.handle.cancel()


class Write(cloud_write.Write):
    how = ("replace",)

    def load(self, connection: Any, tables: Tables, reader: pa.RecordBatchReader) -> None:
        into = f"insert into {tables.stage} ({', '.join(self.names)}) values "
        for count, sql in loading.statements(
            self.columns, reader, into, literal, _ROWS, _CHARACTERS
        ):
            cursor = connection.execute(sql)
            connection.direct(cursor.fetchall)
            self.rows += count

    def alike(self, tables: Tables, there: Any) -> bool:
        # Nothing replaces all rows of a table at once there.
        return False

    def _make(self, connection: Any, tables: Tables, there: Any, finish: Finish | None) -> None:
        on_table_exists = _config(finish).get("on_table_exists")
        if on_table_exists == "replace":
            super()._make(connection, tables, there, finish)
            return
        made = self._made(connection, tables, finish)
        if there is not None and on_table_exists == "drop":
            tables.drop_there(there)
            there = None
        tables.drop(tables.backup)
        if there is not None:
            tables.rename(there, tables.backup)
        tables.rename(made, tables.relation)
        tables.drop(tables.backup)

    def _made(self, connection: Any, tables: Tables, finish: Finish | None) -> Any:
        """The table to be renamed: with the model's properties where it is a model's, else the one
        that was filled."""
        new = connection.macro(
            "make_intermediate_relation", base_relation=tables.relation, suffix=_NEW
        )
        sql = connection.create_sql(finish, new, self.select(tables))
        if sql is None:
            return tables.stage
        tables.drop(new)
        connection.run(sql)
        return new

    def _drop_stage(self) -> None:
        super()._drop_stage()
        with self._writer.tables(self._relation) as (connection, tables):
            tables.drop(
                connection.macro(
                    "make_intermediate_relation", base_relation=tables.relation, suffix=_NEW
                )
            )


class Trino(cloud.Cloud):
    words = _WORDS
    connection = Connection
    write = Write

    def read_on(self, connection: Any, sql: str) -> Reading:
        sql = sql.strip().rstrip(";")
        if not sql:
            return nothing()
        cursor = connection.execute(connection.adapter.connections._add_query_comment(sql))
        if not cursor.description:
            connection.direct(cursor.fetchall)
            return nothing()
        return rows(connection, cursor)


def _config(finish: Finish | None) -> Any:
    return getattr(finish, "config", None) or {}


FACTS = cloud.facts(
    Trino,
    dtype_types(
        _WORDS,
        json="JSON",
        uuid="UUID",
        float="REAL",
        zoned_time="TIME(6) WITH TIME ZONE",
        TINYINT="TINYINT",
    ),
)
