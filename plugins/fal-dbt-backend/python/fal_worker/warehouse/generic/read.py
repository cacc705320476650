"""Reads the rows of any adapter's cursor as Arrow, with types found in the values.

A stream of Arrow states its types before its first row, a driver's cursor often never does. So the
result is read to its end, in batches, before its first row is handed on. By then the connection is
free: nothing is locked while a model computes.

| Python | Arrow |
|---|---|
| bool | bool |
| int | int64; beyond 64 bits decimal |
| float | float64 |
| Decimal | decimal128(38, s), with the longest fraction that came; decimal256 if they do not fit |
| str, UUID | string |
| list, tuple, dict | string, as JSON |
| bytes, bytearray, memoryview | binary |
| date | date32 |
| datetime | timestamp[us], with a time zone timestamp[us, UTC] |
| time | time64[us], with a time zone string |
| timedelta | duration[us] |

Values of two kinds make a column of the wider one: int and Decimal, int and float (if no integer
changes), date and datetime. Every other mixture is an error. Without any value, the driver's
description says the type, if it names one.
"""

from __future__ import annotations

import builtins
import contextlib
import datetime as dt
import json
import re
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.warehouse.interface import Reading
from fal_worker.warehouse.spool import Spool

from .connection import Connection

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
    """Everything that the statement returns. What it changed is committed."""
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
    columns = [
        Column(each[0], described_type(connection.adapter, each)) for each in cursor.description
    ]
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
    """The rows of the spool, each column in its final type."""
    import pyarrow as pa

    schema = pa.schema([pa.field(column.name, column.type) for column in columns])

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in spool:
            arrays = [column.settled(array) for column, array in zip(columns, batch.columns)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return Reading(pa.RecordBatchReader.from_batches(schema, batches()), spool.close)


def described_type(adapter: Any, description: Any) -> pa.DataType | None:
    """The type that the driver itself names, if it does."""
    import pyarrow as pa

    _, code, _, _, precision, scale = [*description, *[None] * 6][:6]
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
    """The reading of a statement without a result."""
    import pyarrow as pa

    return Reading(pa.RecordBatchReader.from_batches(pa.schema([]), []), lambda: None)


_KINDS: dict[type, str] = {
    bool: "bool", int: "int", float: "float", Decimal: "decimal", str: "text", uuid.UUID: "text", bytes: "binary",
    bytearray: "binary", memoryview: "binary", list: "json", tuple: "json", dict: "json", dt.datetime: "datetime", dt.date: "date",
    dt.time: "time", dt.timedelta: "duration",
}  # fmt: skip
_WIDER = {
    frozenset(("int", "decimal")): "decimal",
    frozenset(("int", "float")): "float",
    frozenset(("date", "datetime")): "datetime",
}
_INT64 = 1 << 63
# Of the largest integer of 64 bits; no one looks how many of them an integer uses.
_INT_DIGITS = 19


class Column:
    """One column, while its batches come."""

    def __init__(self, name: str, described: pa.DataType | None = None) -> None:
        self.name, self._described = name, described
        self._kind: str | None = None
        self._digits = self._scale = 0

    def add(self, values: list[Any]) -> pa.Array:
        """A batch in the type that is known so far; the final `type` is as wide or wider."""
        kinds = self._kinds(values)
        self._kind = reduce(self._wider, sorted(kinds), self._kind)
        if "int" in kinds:
            self._digits = max(self._digits, _INT_DIGITS)
        if self._kind == "decimal":
            self._measure(values)
        return self._array(values)

    @property
    def type(self) -> pa.DataType:
        import pyarrow as pa

        if self._kind is None:
            return self._described or pa.null()
        if self._kind == "decimal":
            return self._decimal()
        types: dict[str, Callable[[], pa.DataType]] = {
            "bool": pa.bool_, "int": pa.int64, "float": pa.float64, "text": pa.string, "json": pa.string, "binary": pa.binary,
            "date": pa.date32, "datetime": lambda: pa.timestamp("us"), "zoned": lambda: pa.timestamp("us", "UTC"),
            "time": lambda: pa.time64("us"), "duration": lambda: pa.duration("us"),
        }  # fmt: skip
        return types[self._kind]()

    def settled(self, array: pa.Array) -> pa.Array:
        """An earlier batch in the type of the whole column."""
        import pyarrow as pa

        try:
            return array if array.type.equals(self.type) else array.cast(self.type)
        except pa.ArrowInvalid as error:
            raise self._unfit(
                f"whole numbers and others, which have no type in common: {error}"
            ) from None

    def _kinds(self, values: list[Any]) -> set[str]:
        types = set(map(type, values)) - {type(None)}
        kinds = {self._kind_of(each) for each in types}
        if "int" in kinds and any(
            not -_INT64 <= each < _INT64 for each in values if isinstance(each, int)
        ):
            kinds = kinds - {"int"} | {"decimal"}
        if "datetime" in kinds:
            aware = {each.tzinfo is not None for each in values if isinstance(each, dt.datetime)}
            kinds = kinds - {"datetime"} | {"zoned" if each else "datetime" for each in aware}
        if "time" in kinds and any(each.tzinfo is not None for each in values if each is not None):
            kinds = kinds - {"time"} | {"text"}
        return kinds

    def _kind_of(self, python: builtins.type) -> str:
        for each in python.__mro__:
            if each in _KINDS:
                return _KINDS[each]
        raise self._unfit(
            f"values of the Python type `{python.__module__}.{python.__qualname__}`, which is not known here"
        )

    def _wider(self, one: str | None, other: str) -> str:
        if one is None or one == other:
            return other
        if (wider := _WIDER.get(frozenset((one, other)))) is None:
            raise self._unfit(f"{_WORDS[one]} in some rows and {_WORDS[other]} in others")
        return wider

    def _measure(self, values: list[Any]) -> None:
        for value in values:
            if value is not None:
                self._measure_one(Decimal(value))

    def _measure_one(self, value: Decimal) -> None:
        _, digits, exponent = value.as_tuple()
        if not isinstance(exponent, int):
            raise self._unfit(f"the number {value}, which no decimal can be")
        self._scale = max(self._scale, -exponent)
        self._digits = max(self._digits, len(digits) + exponent)

    def _decimal(self) -> pa.DataType:
        import pyarrow as pa
        import pyarrow.types as t

        described = self._described
        if (
            described is not None
            and t.is_decimal(described)
            and described.scale >= self._scale
            and described.precision - described.scale >= self._digits
        ):
            return described
        width = self._digits + self._scale
        if width > 76:
            raise self._unfit(f"numbers of {width} digits, more than Arrow's decimals can have")
        return pa.decimal128(38, self._scale) if width <= 38 else pa.decimal256(76, self._scale)

    def _array(self, values: list[Any]) -> pa.Array:
        import pyarrow as pa

        convert = _CONVERTED.get(self._kind or "")
        try:
            return pa.array(
                values if convert is None else [None if v is None else convert(v) for v in values],
                self.type,
            )
        except (pa.ArrowException, OverflowError, ValueError, TypeError) as error:
            raise self._unfit(f"a value that Arrow cannot hold: {error}") from None

    def _unfit(self, what: str) -> SessionError:
        return SessionError(
            "gateway::value",
            f"The column `{self.name}` holds {what}",
            f"Cast it in SQL, for example to text: {self.name}",
        )


_WORDS = {
    "bool": "booleans", "int": "integers", "float": "floating-point numbers", "decimal": "decimals", "text": "text",
    "binary": "bytes", "json": "lists or objects", "date": "dates", "datetime": "times without a zone",
    "zoned": "times with a zone", "time": "times of day", "duration": "durations",
}  # fmt: skip


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, dt.time) else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _datetime(value: Any) -> dt.datetime:
    return (
        value if isinstance(value, dt.datetime) else dt.datetime(value.year, value.month, value.day)
    )


_CONVERTED: dict[str, Callable[[Any], Any]] = {
    "text": _text, "json": _json, "binary": bytes, "decimal": Decimal, "datetime": _datetime,
}  # fmt: skip
