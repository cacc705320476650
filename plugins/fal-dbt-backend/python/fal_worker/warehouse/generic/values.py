"""Any adapter: the Arrow type of a result's column, found out from the values that the driver gives.

| Python | Arrow |
|---|---|
| bool | bool |
| int | int64; beyond 64 bits decimal |
| float | float64 |
| Decimal | decimal128(38, s), with the most digits behind the point that came; decimal256 if they do not fit |
| str, UUID | string |
| list, tuple, dict | string, as JSON |
| bytes, bytearray, memoryview | binary |
| date | date32 |
| datetime | timestamp[us], with a time zone timestamp[us, UTC] |
| time | time64[us], with a time zone string |
| timedelta | duration[us] |

Values of two kinds make a column of the wider one: int and Decimal, int and float (if no integer is changed), date and datetime.
Everything else that is mixed is an error. Where there is no value, the driver's own description says the type, if it says any.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError

if TYPE_CHECKING:
    import pyarrow as pa

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

    def __init__(self, name: str, told: pa.DataType | None = None) -> None:
        self.name, self._told = name, told
        self._kind: str | None = None
        self._digits = self._scale = 0

    def add(self, values: list[Any]) -> pa.Array:
        """A batch as it is known up to now; `type` in the end is as wide or wider."""
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
            return self._told or pa.null()
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

    def _kind_of(self, type: type) -> str:
        for each in type.__mro__:
            if each in _KINDS:
                return _KINDS[each]
        raise self._unfit(
            f"values of the Python type `{type.__module__}.{type.__qualname__}`, which is not known here"
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

        told = self._told
        if (
            told is not None
            and t.is_decimal(told)
            and told.scale >= self._scale
            and told.precision - told.scale >= self._digits
        ):
            return told
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
