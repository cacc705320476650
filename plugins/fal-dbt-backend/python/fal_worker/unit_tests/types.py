"""Types of a unit test's given columns: by the `data_type` that the project declares, else by the
values themselves.

Nothing here asks the warehouse, whose types dbt would take. Needs pyarrow, so it is imported late.
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa

from fal_worker.errors import SessionError

from . import values

# Names of types, of every warehouse; where two of them mean different things by one name, the wider
# thing.
_NAMES: dict[str, pa.DataType] = {
    name: kind
    for kind, names in (
        (pa.int8(), "tinyint, int1, byteint"),
        (pa.int16(), "smallint, int2, short"),
        (pa.int32(), "int, integer, int4, mediumint, serial"),
        (pa.int64(), "bigint, int8, int64, long, bigserial"),
        (pa.uint8(), "utinyint, uint8"),
        (pa.uint16(), "usmallint, uint16"),
        (pa.uint32(), "uinteger, uint32"),
        (pa.uint64(), "ubigint, uint64"),
        (pa.float32(), "real, float4, float32"),
        (pa.float64(), "double, double precision, float, float8, float64"),
        (pa.bool_(), "bool, boolean, logical"),
        (pa.date32(), "date"),
        (pa.time64("us"), "time, time without time zone"),
        (
            pa.timestamp("us"),
            "timestamp, timestamp without time zone, timestamp_ntz, timestamp_s, timestamp_ms, timestamp_ns",
        ),
        (pa.timestamp("us"), "datetime, datetime2, smalldatetime"),
        (
            pa.timestamp("us", "UTC"),
            "timestamptz, timestamp with time zone, timestamp_tz, timestamp_ltz",
        ),
        (
            pa.string(),
            "text, string, varchar, varchar2, nvarchar, character varying, char, nchar, bpchar, character, citext",
        ),
        (pa.string(), "uuid, json, jsonb, variant"),
        (pa.binary(), "blob, bytea, binary, varbinary, bytes"),
    )
    for name in names.split(", ")
}
_DECIMALS = ("decimal", "numeric", "number", "dec", "bignumeric", "hugeint", "uhugeint")
_LARGEST = 38


def column(name: str, given: list[Any], declared: str | None, whose: str) -> pa.Array:
    """The values of a column as Arrow. `whose` names the input for messages."""
    kind = of_sql(declared, given) if declared else None
    if kind is None:
        return _inferred(name, given, whose)
    try:
        return pa.array(
            [None if value is None else _converted(value, kind) for value in given], kind
        )
    except (ValueError, TypeError, ArithmeticError, pa.ArrowException) as error:
        raise SessionError(
            "unit_test::type", f"{whose}: column {name!r} is declared as {declared}: {error}"
        ) from None


def of_sql(text: str, given: list[Any]) -> pa.DataType | None:
    """The Arrow type of a type in SQL; `None` for one that says nothing here (lists, structures,
    enumerations).
    """
    bare = " ".join(re.sub(r"\([^)]*\)", " ", text.lower()).split())
    if bare in _DECIMALS:
        return _decimal(bare, re.findall(r"\d+", text) if "(" in text else [], given)
    return _NAMES.get(bare)


def _decimal(name: str, limits: list[str], given: list[Any]) -> pa.DataType:
    if limits:
        precision, scale = int(limits[0]), int(limits[1]) if len(limits) > 1 else 0
    elif name.endswith("hugeint"):
        precision, scale = _LARGEST, 0
    else:
        precision = _LARGEST
        scale = max([values.digits_behind_the_point(value) for value in given] or [0])
    return (
        pa.decimal128(precision, scale)
        if precision <= _LARGEST
        else pa.decimal256(min(precision, 76), scale)
    )


def _converted(value: Any, kind: pa.DataType) -> Any:
    if pa.types.is_integer(kind):
        return values.integer(value)
    if pa.types.is_floating(kind):
        return float(values.number(value))
    if pa.types.is_decimal(kind):
        return values.number(value)
    if pa.types.is_boolean(kind):
        return values.boolean(value)
    if pa.types.is_date(kind):
        return values.date(value)
    if pa.types.is_time(kind):
        return values.time(value)
    if pa.types.is_timestamp(kind):
        return values.timestamp(value, bool(kind.tz))
    return values.binary(value) if pa.types.is_binary(kind) else values.text(value)


def _inferred(name: str, given: list[Any], whose: str) -> pa.Array:
    kind = _kind_of({_kind(value) for value in given if value is not None})
    if kind is None:
        try:
            return pa.array(given)
        except pa.ArrowException as error:
            raise SessionError(
                "unit_test::type",
                f"{whose}: the values of column {name!r} have no type in common: {error}",
            ) from None
    return pa.array([None if value is None else _converted(value, kind) for value in given], kind)


def _kind(value: Any) -> str:
    """The kind of a value, which helps to choose its column's type."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if -(2**63) <= value < 2**63 else "huge"
    if isinstance(value, str):
        return values.kind_of_text(value)
    return "nested" if isinstance(value, (list, dict)) else type(value).__name__


# What the kinds of the values in a column make it; the first that covers all of them.
_COMMON: tuple[tuple[set[str], pa.DataType | None], ...] = (
    (set(), pa.null()),
    ({"bool"}, pa.bool_()),
    ({"int"}, pa.int64()),
    ({"int", "huge"}, pa.decimal128(_LARGEST, 0)),
    ({"int", "huge", "float"}, pa.float64()),
    ({"date"}, pa.date32()),
    ({"date", "timestamp"}, pa.timestamp("us")),
    ({"date", "timestamp", "moment"}, pa.timestamp("us", "UTC")),
    ({"nested"}, None),
    ({"bytes"}, pa.binary()),
    ({"Decimal"}, None),
)


def _kind_of(kinds: set[str]) -> pa.DataType | None:
    """The kind of a column's values. It is text if nothing else fits all of them, as in a database
    column that would hold them all.
    """
    return next((kind for known, kind in _COMMON if kinds <= known), pa.string())
