"""Converts between Arrow and DuckDB where their types differ.

Into DuckDB: half floats become FLOAT, an all-NULL column INTEGER (as DuckDB itself types an untyped
NULL), decimals of 256 bits DECIMAL(38, s) if they fit. Dictionaries become their values' type, a
time zone becomes TIMESTAMPTZ (the instant stays, the zone's name does not), durations INTERVAL if
they have no nanoseconds.

Out of DuckDB: HUGEINT and UHUGEINT become decimal128(38, 0), with the origin in the field's
metadata `fal.type`, since `sum` of integers is a HUGEINT; a value of 39 digits is an error
(`read.py`). Types that Arrow lacks come as text: BIT, BIGNUM, TIME with a zone, VARIANT, TYPE. UUID
and JSON are text, ENUM is a dictionary, as in DuckDB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from fal_worker.leaves import leaves
from fal_worker.warehouse.values import (
    Convert,
    Stream,
    cast,
    has,
    whole_microseconds,
    with_distinct_keys,
)

if TYPE_CHECKING:
    import pyarrow as pa

# Before its version 2, DuckDB has timestamps of nanoseconds without a zone only.
_HAS_NANOSECONDS = int(duckdb.__version__.partition(".")[0]) >= 2
# What integers of 128 bits are cast to.
HUGE = "DECIMAL(38, 0)"
# By `id` of DuckDB's type.
_CASTS = {
    "hugeint": HUGE,
    "uhugeint": HUGE,
    "bit": "VARCHAR",
    "bignum": "VARCHAR",
    "varint": "VARCHAR",
    "time with time zone": "VARCHAR",
    "variant": "VARCHAR",
    "type": "VARCHAR",
}


def is_huge(kind: Any) -> bool:
    """Whether a type of DuckDB's has integers of 128 bits."""
    return kind.id in ("hugeint", "uhugeint")


def cast_of(kind: Any) -> str | None:
    """The type to cast to if Arrow cannot hold this one."""
    if kind.id in _CASTS:
        return _CASTS[kind.id]
    if kind.id == "list":
        return _suffixed(kind.children[0][1], "[]")
    if kind.id == "array":
        return _suffixed(kind.children[0][1], f"[{kind.children[1][1]}]")
    if kind.id in ("struct", "map"):
        return _nested(kind)
    return None


def _suffixed(child: Any, suffix: str) -> str | None:
    cast = cast_of(child)
    return cast + suffix if cast else None


def _nested(kind: Any) -> str | None:
    casts = [(name, child, cast_of(child)) for name, child in kind.children]
    if not any(cast for _, _, cast in casts):
        return None
    types = [cast or str(child) for _, child, cast in casts]
    if kind.id == "map":
        return f"MAP({', '.join(types)})"
    names = ['"' + name.replace('"', '""') + '"' for name, _, _ in casts]
    fields = ", ".join(f"{name} {type}" for name, type in zip(names, types))
    return f"STRUCT({fields})"


def writable(reader: pa.RecordBatchReader) -> Stream:
    """The stream in types that DuckDB takes."""
    import pyarrow as pa

    fields = [field.with_type(_taken(field.type)) for field in reader.schema]
    converts = [_convert(field.type, taken.type) for field, taken in zip(reader.schema, fields)]
    return Stream("DuckDB", reader, pa.schema(fields), converts)


def _convert(type: Any, taken: Any) -> Convert | None:

    checks = [check for is_one, check in _CHECKS if has(is_one, type)]
    if type.equals(taken) and not checks:
        return None

    def convert(array: pa.Array) -> pa.Array:
        array = cast(array, taken)
        for check in checks:
            check(array)
        return array

    return convert


def _finite(array: pa.Array) -> pa.Array:
    """Refuses dates and times, nested ones too, that DuckDB takes for `infinity`."""
    if has_infinite(array):
        raise ValueError("a date or time that is infinity to DuckDB")
    return array


def has_infinite(array: pa.Array) -> bool:
    """Whether a value is the largest or smallest number of its type, which DuckDB takes for
    infinity."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for leaf in leaves([array]):
        if _may_be_infinite(leaf.type):
            number = pa.int32() if pa.types.is_date32(leaf.type) else pa.int64()
            largest = 2 ** (number.bit_width - 1) - 1
            ends = pc.min_max(leaf.cast(number)).as_py()
            if ends["max"] is not None and (ends["max"] >= largest or ends["min"] <= -largest):
                return True
    return False


def _may_be_infinite(type: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_date32(type) or pa.types.is_timestamp(type))


def _is_map(type: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_map(type))


def _is_interval(type: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_interval(type))


# What DuckDB would change, or refuse without the column.
_CHECKS = (
    (_is_map, with_distinct_keys),
    (_may_be_infinite, _finite),
    (_is_interval, whole_microseconds),
)


def _taken(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_null(kind):
        return pa.int32()
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_decimal256(kind):
        return pa.decimal128(min(kind.precision, 38), min(kind.scale, 38))
    if pa.types.is_decimal128(kind) and kind.scale < 0:
        return pa.decimal128(min(kind.precision - kind.scale, 38), 0)
    if pa.types.is_duration(kind):
        return pa.duration("us")
    if not _HAS_NANOSECONDS and (
        pa.types.is_time64(kind) or (pa.types.is_timestamp(kind) and kind.tz and kind.unit == "ns")
    ):
        return pa.time64("us") if pa.types.is_time64(kind) else pa.timestamp("us", kind.tz)
    if pa.types.is_dictionary(kind):
        return _taken(kind.value_type) if pa.types.is_null(kind.value_type) else kind
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_within(kind.value_type)))
    if pa.types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(_within(kind.value_type)))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(kind.value_field.with_type(_within(kind.value_type)), kind.list_size)
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_within(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_within(kind.key_type), _within(kind.item_type))
    return kind


def _within(kind: pa.DataType) -> pa.DataType:
    """The type within another one.

    DuckDB cannot read dictionaries there if a batch has none of their values."""
    import pyarrow as pa

    return _taken(kind.value_type if pa.types.is_dictionary(kind) else kind)
