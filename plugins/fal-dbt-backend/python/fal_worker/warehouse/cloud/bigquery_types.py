"""BigQuery: its types, those of Arrow, and what of the client's own words for them a load needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.warehouse.generic.types import plain

from .read import Column as Read
from .types import Words, scalar

if TYPE_CHECKING:
    import pyarrow as pa

    from .types import Column


def _decimal(precision: int, scale: int) -> str | None:
    if scale <= 9 and precision - scale <= 29:
        return f"numeric({precision}, {scale})"
    return f"bignumeric({precision}, {scale})" if scale <= 38 and precision - scale <= 38 else None


def _nested(type: Any) -> str | None:
    """STRUCT and ARRAY, if all that is in them can be so too."""
    import pyarrow.types as t

    if t.is_struct(type):
        parts = [(field.name, _part(field.type)) for field in type]
        if not parts or any(sql is None for _, sql in parts):
            return None
        return f"struct<{', '.join(f'`{name}` {sql}' for name, sql in parts)}>"
    if t.is_map(type) or t.is_union(type):
        return None
    item = _part(type.value_type)
    # An array directly within an array is not allowed.
    return None if item is None or item.startswith("array<") else f"array<{item}>"


def _part(type: Any) -> str | None:
    import pyarrow.types as t

    type = plain(type)
    return _nested(type) if t.is_nested(type) else scalar("", type, WORDS)[0]


WORDS = Words(
    "BigQuery",
    boolean="bool",
    integer="int64",
    double="float64",
    text="string",
    binary="bytes",
    timestamp="datetime",
    zoned="timestamp",
    decimal=_decimal,
    widest=lambda scale: 38 + scale if scale <= 38 else None,
    nested=_nested,
    parse={"json": "parse_json({})"},
)


def fields(columns: list[Column]) -> list[Any]:
    """The schema of a load job, with the names that the columns have in files."""
    return [_field(f"c{index}", column.arrow, column.sql) for index, column in enumerate(columns)]


def _field(name: str, type: Any, sql: str) -> Any:
    import pyarrow.types as t
    from google.cloud.bigquery import SchemaField

    if t.is_struct(type):
        return SchemaField(
            name, "RECORD", fields=[_field(f.name, f.type, _part(f.type) or "") for f in type]
        )
    if t.is_nested(type):
        item = _field(name, type.value_type, _part(type.value_type) or "")
        more = {} if item.precision is None else {"precision": item.precision, "scale": item.scale}
        return SchemaField(name, item.field_type, mode="REPEATED", fields=item.fields, **more)
    word, *digits = re.findall(r"\w+", sql)
    return SchemaField(name, word.upper(), **dict(zip(("precision", "scale"), map(int, digits))))  # type: ignore[arg-type]


def check_lists(columns: list[Column], reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """The stream as it is; BigQuery stores no NULL in an array, and would only say so of a whole file."""
    import pyarrow.types as t

    for batch in reader:
        for column, array in zip(columns, batch.columns):
            if t.is_nested(column.arrow) and _null_in_list(array):
                message = f"The column `{column.name}` has a list with a NULL in it, which BigQuery's arrays cannot hold"
                raise SessionError(
                    "gateway::value", message, "Remove it, or write the column as text."
                )
        yield batch


def _null_in_list(array: pa.Array) -> bool:
    import pyarrow.compute as pc
    import pyarrow.types as t

    if t.is_struct(array.type):
        return any(_null_in_list(part) for part in array.flatten())
    if not t.is_nested(array.type):
        return False
    items = pc.list_flatten(array)
    return items.null_count > 0 or _null_in_list(items)


def told(schema: Any) -> list[Read]:
    """The columns of a result. What is not known here has the type that its rows come with."""
    return [Read(field.name, _told(field)) for field in schema]


def _told(field: Any) -> Any:
    import pyarrow as pa

    if (field.mode or "").upper() == "REPEATED":
        item = _told_one(field)
        return None if item is None else pa.list_(item)
    return _told_one(field)


def _told_one(field: Any) -> Any:
    import pyarrow as pa

    kind = field.field_type.upper()
    if kind in ("RECORD", "STRUCT"):
        parts = [(part.name, _told(part)) for part in field.fields]
        return None if any(type is None for _, type in parts) else pa.struct(parts)
    types = {
        "BOOL": pa.bool_(), "INT64": pa.int64(), "FLOAT64": pa.float64(), "STRING": pa.string(), "BYTES": pa.binary(),
        "DATE": pa.date32(), "TIME": pa.time64("us"), "DATETIME": pa.timestamp("us"), "TIMESTAMP": pa.timestamp("us", "UTC"),
        "NUMERIC": pa.decimal128(38, 9), "BIGNUMERIC": pa.decimal256(76, 38), "JSON": pa.string(), "GEOGRAPHY": pa.string(),
    }  # fmt: skip
    same = {"BOOLEAN": "BOOL", "INTEGER": "INT64", "FLOAT": "FLOAT64"}
    return types.get(same.get(kind, kind))
