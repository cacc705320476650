"""Columns of dicts that become JSON: as text made of the very objects, since a struct of Arrow
knows no key that is not there, and no key whose values differ in type.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from itertools import chain
from typing import Any

from .object_values import first, kind_of, refusal, types_of

# What marks a column of text as JSON, with a pyarrow that has a type for it and with an older one.
METADATA = {"ARROW:extension:name": "arrow.json", "ARROW:extension:metadata": ""}
_NESTED = {"dict", "list", "array"}


class JsonColumns:
    """Says which columns become JSON: those with such a `dtype`, and dicts where the warehouse has
    no structs for them.
    """

    def __init__(
        self, has_structs: Callable[[], bool], dtype: Callable[[str], Any] = lambda column: None
    ) -> None:
        self._has_structs, self._dtype = has_structs, dtype

    def texts(self, column: str, values: list[Any]) -> list[str | None] | None:
        """The column's values as JSON; `None` if it is no such column."""
        types = types_of(values)
        kinds = set(map(kind_of, types))
        if not kinds or not kinds <= _NESTED or not self._wanted(column, types, kinds, values):
            return None
        try:
            return [None if type(value) not in types else _text(value) for value in values]
        except _Unfit as unfit:
            row = first(lambda part: any(map(_is_unfit, part)), values)
            raise refusal(
                column,
                f"holds {unfit.what}, which JSON has no value for",
                row,
                values[row],
                unfit.help,
            ) from None

    def _wanted(self, column: str, types: set[type], kinds: set[str], values: list[Any]) -> bool:
        dtype = self._dtype(column)
        if dtype is not None:
            return _is_json(dtype)
        parts = (
            types_of(chain.from_iterable(value for value in values if type(value) in types))
            if kinds == {"list"}
            else set()
        )
        if "dict" not in kinds and _NESTED.isdisjoint(map(kind_of, parts)):
            return False
        return not self._has_structs()


class _Unfit(ValueError):
    def __init__(self, what: str, help: str = "Write text, a number or None in its place.") -> None:
        super().__init__(what)
        self.what, self.help = what, help


def _is_json(dtype: Any) -> bool:
    named = [str(dtype.get("sql", "")).strip().upper(), *dtype.get("names", ())]
    return not {"JSON", "JSONB"}.isdisjoint(named)


def _is_unfit(value: Any) -> bool:
    try:
        _text(value)
    except _Unfit:
        return True
    return False


def _text(value: Any) -> str:
    kind = kind_of(type(value))
    write = _WRITERS.get(kind)
    if write is None:
        raise _Unfit(f"values of type {type(value).__name__}")
    return write(value)


def _dict(value: Any) -> str:
    if not all(isinstance(key, str) for key in value):
        raise _Unfit("dicts with keys that are no text", "Make text of the keys.")
    return "{" + ",".join(f"{_quoted(key)}:{_text(each)}" for key, each in value.items()) + "}"


def _list(value: Any) -> str:
    return "[" + ",".join(map(_text, value.tolist() if hasattr(value, "tolist") else value)) + "]"


def _float(value: Any) -> str:
    if value != value:
        return "null"  # pandas' own missing value
    if value in (float("inf"), float("-inf")):
        raise _Unfit("infinite numbers")
    return repr(float(value))


def _decimal(value: Any) -> str:
    if value.is_nan():
        return "null"
    if value.is_infinite():
        raise _Unfit("infinite numbers")
    return format(value, "f")


def _duration(value: Any) -> str:
    import pandas

    span = pandas.Timedelta(value) if type(value).__name__ == "timedelta64" else value
    if span != span:
        return "null"
    return _quoted(f"{_seconds(span)} seconds")


def _seconds(span: Any) -> str:
    nanoseconds = (
        (span.days * 86_400 + span.seconds) * 10**6 + span.microseconds
    ) * 1000 + getattr(span, "nanoseconds", 0)
    return format((Decimal(nanoseconds) / 10**9).normalize(), "f")


def _datetime64(value: Any) -> str:
    import pandas

    stamp = pandas.Timestamp(value)
    return "null" if stamp != stamp else _quoted(stamp.isoformat())


def _interval(value: Any) -> str:
    if not isinstance(value, tuple):
        raise _Unfit(f"values of type {type(value).__name__}")
    interval: Any = value  # pyarrow's MonthDayNano
    return _quoted(
        f"{interval.months} mons {interval.days} days {Decimal(interval.nanoseconds) / 10**9:f} seconds"
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


_WRITERS: dict[str, Callable[[Any], str]] = {
    "": lambda value: "null", "bool": lambda value: "true" if value else "false", "int": lambda value: str(int(value)), "float": _float,
    "decimal": _decimal, "text": lambda value: _quoted(str(value)), "bytes": lambda value: _quoted("\\x" + bytes(value).hex()),
    "datetime": lambda value: _quoted(value.isoformat()), "date": lambda value: _quoted(value.isoformat()),
    "time": lambda value: _quoted(value.isoformat()), "duration": _duration, "datetime64": _datetime64,
    "uuid": lambda value: _quoted(str(value)), "label": lambda value: _quoted(str(value)), "interval": _interval, "list": _list, "array": _list, "dict": _dict,
}  # fmt: skip
