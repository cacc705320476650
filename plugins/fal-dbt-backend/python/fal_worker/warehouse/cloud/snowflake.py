"""Snowflake: results as Arrow, rows as Parquet files through a temporary stage.

Nothing of this was run against a real account.

- Reading: `fetch_arrow_batches` of Snowflake's own cursor. Numbers keep all their digits: integers
  are int64, or decimal128(38, 0) if one of them is larger. VARIANT, OBJECT and ARRAY are text, as
  JSON. What comes without Arrow (SHOW, DML) is read row by row.
- Writing: PUT and COPY INTO, each of which Snowflake does for all or none of the rows. Lists,
  structs and maps become VARIANT.
- Names: a column whose name is all lower case gets it in capitals, as if it were not quoted, so
  that SQL finds it without quotes. All others are kept to the letter.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.warehouse.generic.read import nothing, rows

from . import common as cloud
from . import write as cloud_write
from .loading import Files
from .read import Column, spooled
from .types import Words, dtype_types

if TYPE_CHECKING:
    import pyarrow as pa

    from fal_worker.warehouse.generic.tables import Tables
    from fal_worker.warehouse.interface import Reading

    from . import types as cloud_types
    from .common import Connection

_WORDS = Words(
    "Snowflake",
    double="float",
    timestamp="timestamp_ntz",
    zoned="timestamp_tz",
    decimal=lambda precision, scale: (
        f"number({precision}, {scale})" if precision <= 38 and scale <= 37 else None
    ),
    json="variant",
    parse={kind: f"parse_json({{}})::{kind}" for kind in ("variant", "object", "array")},
)
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
_FORMAT = "(type = parquet, binary_as_text = false)"


class Write(cloud_write.Write):
    # No days of history are kept of it.
    create_stage = "create or replace transient table"
    overwrite = "insert overwrite into {table} ({names}) {select}"

    def named(self, name: str) -> str:
        return super().named(name.upper() if _PLAIN.fullmatch(name) else name)

    def load(self, connection: Connection, tables: Tables, reader: pa.RecordBatchReader) -> None:
        stage = f"{tables.relation.without_identifier()}.fal_{uuid.uuid4().hex}"
        connection.run(f"create temporary stage {stage}")
        carried = [_carried(f"$1:c{index}", column) for index, column in enumerate(self.columns)]
        files = Files([column for _, column in carried], reader)
        with files.opened() as paths:
            for path in paths:
                connection.direct(partial(_put, connection.handle, path, stage))
        if files.rows:
            values = ", ".join(sql for sql, _ in carried)
            copied = connection.run(
                f"copy into {tables.stage} ({', '.join(self.names)}) from (select {values} from @{stage}) "
                f"file_format = {_FORMAT} on_error = abort_statement"
            )
            _check(copied, files.rows)
        self.rows = files.rows
        connection.run(f"drop stage if exists {stage}")


class Snowflake(cloud.Cloud):
    words = _WORDS
    write = Write

    def read_on(self, connection: Connection, sql: str) -> Reading:
        from snowflake.connector.errors import NotSupportedError

        if not sql.strip():
            return nothing()
        # Without it, numbers with digits behind the point would come as floats.
        connection.handle.arrow_number_to_decimal_setter = True
        cursor = connection.run(sql)
        if not cursor.description:
            return nothing()
        try:
            batches = cursor.fetch_arrow_batches(**_whole_microseconds(cursor))
        except NotSupportedError:
            # The result is JSON.
            return rows(connection, cursor)
        name = connection.adapter.connections.data_type_code_to_name
        columns = [_column(name(each.type_code), each) for each in cursor.description]
        return spooled(connection, columns, batches)


def _whole_microseconds(cursor: Any) -> dict[str, bool]:
    """Dates far away are beyond what nanoseconds can count; older clients cannot be asked."""
    import inspect

    name = "force_microsecond_precision"
    return {name: True} if name in inspect.signature(cursor.fetch_arrow_batches).parameters else {}


def _column(kind: str, described: Any) -> Column:
    import pyarrow as pa

    if kind == "FIXED":
        if described.scale:
            return Column(described.name, pa.decimal128(38, described.scale))
        return Column(described.name, pa.int64(), pa.decimal128(38, 0))
    types = {
        "REAL": pa.float64(), "TEXT": pa.string(), "DATE": pa.date32(), "BOOLEAN": pa.bool_(), "BINARY": pa.binary(),
        "TIME": pa.time64("us"), "TIMESTAMP_NTZ": pa.timestamp("us"), "TIMESTAMP_LTZ": pa.timestamp("us", "UTC"),
        "TIMESTAMP_TZ": pa.timestamp("us", "UTC"), "VARIANT": pa.string(), "GEOGRAPHY": pa.string(), "GEOMETRY": pa.string(),
    }  # fmt: skip
    # Structured arrays, objects and maps say themselves what they are, and plain ones are text;
    # where no row came they are null.
    return Column(described.name, types.get(kind))


def _carried(path: str, column: cloud_types.Column) -> tuple[str, cloud_types.Column]:
    """A column of the files, and the SQL that makes the table's column of it. Times are numbers and
    text on the way, since it is a matter of versions and settings what Snowflake takes the times of
    a Parquet file for."""
    import pyarrow as pa
    import pyarrow.types as t

    if column.parse:
        return column.cast(f"{path}::varchar"), column
    if t.is_timestamp(column.arrow):
        function = "to_timestamp_tz" if column.arrow.tz else "to_timestamp_ntz"
        return f"{function}({path}::number(38, 0), 6)::{column.sql}", replace(
            column, arrow=pa.int64()
        )
    if t.is_time(column.arrow):
        return f"{path}::varchar::{column.sql}", replace(column, arrow=pa.string())
    return f"{path}::{column.sql}", column


def _put(handle: Any, path: str, stage: str) -> None:
    quoted = path.replace("\\", "\\\\").replace("'", "\\'")
    with handle.cursor() as cursor:
        cursor.execute(f"put 'file://{quoted}' @{stage} auto_compress = false")


def _check(copied: Any, rows: int) -> None:
    """COPY tells of each file how many rows it took."""
    place = [column[0].lower() for column in copied.description].index("rows_loaded")
    loaded = sum(row[place] for row in copied.fetchall())
    if loaded != rows:
        raise SessionError("gateway::database", f"Snowflake took {loaded} rows of {rows}")


FACTS = cloud.facts(
    Snowflake,
    dtype_types(
        _WORDS,
        json="VARIANT",
        uuid="VARCHAR",
        float="FLOAT",
        decimal=("NUMBER(38, 10)", "NUMBER({precision}, {scale})"),
    ),
)
