"""Any adapter: the rows of a cursor as Arrow.

A stream of Arrow has its types before its first row, a driver's cursor often never. So the result is read to its end, in batches,
and handed on when all of it is there. By then the connection is free again: nothing is locked while a model computes.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fal_worker.warehouse.interface import Reading

from .connection import Connection
from .spool import Spool
from .values import Column

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS = 10_000
# What words in a driver's name for a type mean; the first that fits counts.
_NAMES = (
    (r"interval|array|range|struct|map", None),
    (r"timestamp_?[ln]?tz|datetimetz|datetimeoffset|with (local )?time zone", "zoned"),
    (r"timestamp|datetime", "timestamp"),
    (r"date", "date"),
    (r"time", "time"),
    (r"bool", "bool"),
    (r"\b(tiny|small|medium|big|long|u?)int(eger)?\d*\b", "int"),
    (r"float|double|real", "float"),
    (r"decimal|numeric|number", "decimal"),
    (r"char|text|string|unicode|clob|json|uuid|variant", "text"),
    (r"blob|bytea|binary|bytes", "binary"),
)


def read(connection: Connection, sql: str) -> Reading:
    """What the statement returns, all of it; what it changed is committed."""
    if not sql.strip():
        return nothing()
    cursor = connection.run(connection.adapter.connections._add_query_comment(sql))
    if not cursor.description:
        connection.commit()
        return nothing()
    made = rows(connection, cursor)
    try:
        connection.commit()
    except BaseException:
        made.close()
        raise
    return made


def rows(connection: Connection, cursor: Any) -> Reading:
    """All rows of a cursor."""
    columns = [Column(each[0], told(connection.adapter, each)) for each in cursor.description]
    spool = Spool()
    try:
        _fill(spool, connection, cursor, columns)
    except BaseException:
        spool.close()
        raise
    return reading(columns, spool)


def _fill(spool: Spool, connection: Connection, cursor: Any, columns: list[Column]) -> None:
    import pyarrow as pa

    names = [column.name for column in columns]
    while fetched := connection.fetch(cursor, _BATCH_ROWS):
        arrays = [column.add(list(values)) for column, values in zip(columns, zip(*fetched))]
        spool.add(pa.RecordBatch.from_arrays(arrays, names=names))


def reading(columns: list[Any], spool: Spool) -> Reading:
    """What is in the spool, in each column's type as it is settled now."""
    import pyarrow as pa

    schema = pa.schema([pa.field(column.name, column.type) for column in columns])

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in spool:
            arrays = [column.settled(array) for column, array in zip(columns, batch.columns)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return Reading(pa.RecordBatchReader.from_batches(schema, batches()), spool.close)


def told(adapter: Any, description: Any) -> pa.DataType | None:
    """The type that the driver itself names, if it does."""
    import pyarrow as pa

    _, code, _, _, precision, scale, *_ = (*description, *[None] * 6)
    if code is None:
        return None
    name = str(code)
    with contextlib.suppress(Exception):  # not every adapter knows the names, and none all
        name = adapter.connections.data_type_code_to_name(code)
    kind = next((kind for words, kind in _NAMES if re.search(words, name.lower())), None)
    if kind == "decimal":
        fits = (
            isinstance(precision, int)
            and isinstance(scale, int)
            and 0 < precision <= 38
            and 0 <= scale <= precision
        )
        return pa.decimal128(precision, scale) if fits else None
    types = {
        "zoned": pa.timestamp("us", "UTC"), "timestamp": pa.timestamp("us"), "date": pa.date32(), "time": pa.time64("us"),
        "bool": pa.bool_(), "int": pa.int64(), "float": pa.float64(), "text": pa.string(), "binary": pa.binary(),
    }  # fmt: skip
    return types.get(kind or "")


def nothing() -> Reading:
    """Of a statement without a result."""
    import pyarrow as pa

    return Reading(pa.RecordBatchReader.from_batches(pa.schema([]), []), lambda: None)
