"""Databricks: results as Arrow, rows as Parquet files through a volume, or as literals where none
is named.

Nothing of this was run against a real workspace.

- Reading: `fetchmany_arrow` of the connector's own cursor, which fetches from the cloud's storage
  what the warehouse has put there.
- Writing: with the variable `fal_staging_volume` (`vars:` of the project, or FAL_STAGING_VOLUME),
  files are PUT there and inserted by one `insert ... select`; else the rows are written out in
  statements of up to a megabyte. Lists, structs and maps keep their types.
"""

from __future__ import annotations

import contextlib
import math
import os
import uuid
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.warehouse.generic.encode import plain
from fal_worker.warehouse.generic.read import described_type, nothing

from . import common as cloud
from . import loading
from . import write as cloud_write
from .common import variable
from .loading import Files, iso
from .read import Column, from_schema, spooled
from .types import Words, dtype_types, scalar

if TYPE_CHECKING:
    import pyarrow as pa

    from fal_worker.warehouse.generic.tables import Tables
    from fal_worker.warehouse.interface import Reading

    from .common import Connection
    from .loading import Literal


def _nested(type: Any) -> str | None:
    import pyarrow.types as t

    if t.is_struct(type):
        if not type.num_fields:
            return None
        return (
            f"struct<{', '.join(f'{quoted(field.name)}: {_part(field.type)}' for field in type)}>"
        )
    if t.is_union(type):
        return None
    if t.is_map(type):
        return f"map<{_part(type.key_type)}, {_part(type.item_type)}>"
    return f"array<{_part(type.value_type)}>"


def _part(type: Any) -> str:
    import pyarrow.types as t

    type = plain(type)
    return (_nested(type) or "string") if t.is_nested(type) else scalar("", type, WORDS)[0]


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


WORDS = Words(
    "Databricks",
    text="string",
    time=None,
    timestamp="timestamp_ntz",
    zoned="timestamp",
    nested=_nested,
    parse={"variant": "parse_json({})"},
)


def literal(type: Any) -> Literal:
    """What writes values of this type. Spark reads backslashes in text."""
    import pyarrow.types as t

    if t.is_boolean(type):
        return lambda value: "true" if value else "false"
    if t.is_integer(type):
        # The smallest one cannot be written as a number with a sign.
        return lambda value: f"{value}L" if value != -(1 << 63) else "(-9223372036854775807L - 1L)"
    if t.is_floating(type):
        return lambda value: f"{value!r}D" if math.isfinite(value) else f"double('{value}')"
    if t.is_decimal(type):
        return lambda value: f"cast('{value:f}' as decimal({type.precision}, {type.scale}))"
    if t.is_binary(type):
        return lambda value: f"X'{value.hex()}'"
    if t.is_date(type):
        return lambda value: f"date'{iso(value)}'"
    if t.is_timestamp(type):
        return (
            (lambda value: f"timestamp'{iso(value)}+00:00'")
            if type.tz
            else (lambda value: f"timestamp_ntz'{iso(value)}'")
        )
    return _of_parts(type) if t.is_nested(type) else text


def text(value: str) -> str:
    # Spark would put a variable of the session in the place of ${...}, in a text too.
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\u0024{") + "'"


def _of_parts(type: Any) -> Literal:
    """With a cast around it: an empty list alone has no type."""
    import pyarrow.types as t

    sql = _part(type)
    if t.is_struct(type):
        writers = [(field.name, _or_null(literal(field.type))) for field in type]
        return lambda value: (
            f"cast(named_struct({', '.join(f'{text(n)}, {write(value[n])}' for n, write in writers)}) as {sql})"
        )
    if t.is_map(type):
        key, item = literal(type.key_type), _or_null(literal(type.item_type))
        return lambda value: (
            f"cast(map({', '.join(f'{key(k)}, {item(v)}' for k, v in value)}) as {sql})"
        )
    each = _or_null(literal(type.value_type))
    return lambda value: f"cast(array({', '.join(map(each, value))}) as {sql})"


def _or_null(write: Literal) -> Literal:
    return lambda value: "null" if value is None else write(value)


_FETCH_ROWS = 100_000
_ROWS, _CHARACTERS = 5_000, 1 << 20


class Write(cloud_write.Write):
    overwrite = "insert overwrite table {table} {select}"

    def load(self, connection: Connection, tables: Tables, reader: pa.RecordBatchReader) -> None:
        volume = variable(self._adapter, "fal_staging_volume")
        if volume is None:
            self._insert_literals(connection, tables, reader)
            return
        folder = f"{_checked(volume)}/fal_{uuid.uuid4().hex}"
        staged: list[str] = []
        files = Files(self.columns, reader)
        try:
            with files.opened() as paths:
                for path in paths:
                    staged.append(f"{folder}/{os.path.basename(path)}")
                    connection.direct(partial(_put, connection.handle, path, staged[-1]))
            if staged:
                self._copy(connection, tables, folder)
        finally:
            for file in staged:
                with contextlib.suppress(Exception):
                    connection.run(f"remove '{file}'")
        self.rows = files.rows

    def _copy(self, connection: Connection, tables: Tables, folder: str) -> None:
        values = ", ".join(column.cast(f"c{index}") for index, column in enumerate(self.columns))
        connection.run(
            f"insert into {tables.stage} ({', '.join(self.names)}) select {values} from parquet.`{folder}`"
        )

    def _insert_literals(
        self, connection: Connection, tables: Tables, reader: pa.RecordBatchReader
    ) -> None:
        into = f"insert into {tables.stage} ({', '.join(self.names)}) values "
        for rows, sql in loading.statements(
            self.columns, reader, into, literal, _ROWS, _CHARACTERS
        ):
            connection.run(sql)
            self.rows += rows


class Databricks(cloud.Cloud):
    words = WORDS
    write = Write

    def read_on(self, connection: Connection, sql: str) -> Reading:
        if not sql.strip():
            return nothing()
        manager = connection.adapter.connections
        cursor = connection.run(manager._add_query_comment(sql))
        if not cursor.description:
            return nothing()
        # dbt's cursor has no Arrow, the one in it has.
        tables = connection.each(_tables(cursor._cursor))
        first = next(tables)
        if first.num_columns != len(cursor.description):
            # Of no rows there may be a table without columns.
            return spooled(
                connection,
                [
                    Column(each[0], described_type(connection.adapter, each))
                    for each in cursor.description
                ],
                (),
            )
        return spooled(connection, from_schema(first.schema), chain((first,), tables))


def _tables(cursor: Any) -> Iterator[Any]:
    """The first one may be empty, and says the types then."""
    table = cursor.fetchmany_arrow(_FETCH_ROWS)
    yield table
    while table.num_rows:
        table = cursor.fetchmany_arrow(_FETCH_ROWS)
        if table.num_rows:
            yield table


def _put(handle: Any, path: str, target: str) -> None:
    """The connector uploads only what is in a folder that its connection allows."""
    client = handle._conn
    client.staging_allowed_local_path = os.path.dirname(path)
    with client.cursor() as cursor:
        cursor.execute(f"put '{path}' into '{target}' overwrite")


def _checked(volume: str) -> str:
    volume = volume.rstrip("/")
    if not volume.startswith("/Volumes/") or any(each in volume for each in "'`\\"):
        raise SessionError(
            "gateway::variable", f"fal_staging_volume must be a path below /Volumes, not {volume!r}"
        )
    return volume


FACTS = cloud.facts(
    Databricks,
    dtype_types(
        WORDS, json="STRING", uuid="STRING", float="FLOAT", array="ARRAY<{}>", TINYINT="TINYINT"
    ),
)
