"""Canonical forms of values: the same value has the same form, whichever library it comes from.

The forms are `None` for NULL, and otherwise tuples of a name and the value's data: ("number",
Fraction), ("text", str), ("timestamp", nanoseconds), ("list", (...)), ... Numbers of all types are
one kind of value, so that 1, 1.0 and Decimal(1) are the same. True is not one of them, and minus
zero differs from zero. This module uses none of the project's own code.
"""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}
NANOSECONDS |= {"W": 604_800 * 10**9, "D": 86_400 * 10**9, "h": 3600 * 10**9, "m": 60 * 10**9}
_EPOCH = dt.datetime(1970, 1, 1)
_US = dt.timedelta(microseconds=1)


def of_pandas(series: pd.Series) -> list[Any]:
    if isinstance(series.dtype, pd.ArrowDtype):
        return of_arrow(series.array.__arrow_array__())
    if isinstance(series.dtype, pd.CategoricalDtype):
        # The cells would turn integers into floats if another cell is missing.
        labels = [of_value(label) for label in series.cat.categories]
        return [None if code < 0 else labels[code] for code in series.cat.codes]
    return [of_value(value) for value in series]


def without_nan(form: Any) -> Any:
    """The form with NULL instead of NaN, also within lists and dicts.

    Most columns of pandas cannot distinguish the two.
    """
    if form is None or form[0] == "nan":
        return None
    if form[0] == "list":
        return ("list", tuple(map(without_nan, form[1])))
    if form[0] == "struct":
        pairs = ((name, without_nan(entry)) for name, entry in form[1])
        return ("struct", tuple((name, entry) for name, entry in pairs if entry is not None))
    return form


def of_arrow(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    return [of_scalar(scalar) for scalar in column]


def of_polars(series: pl.Series) -> list[Any]:
    dtype = series.dtype
    if isinstance(dtype, (pl.Datetime, pl.Duration)):
        name = "duration"
        if isinstance(dtype, pl.Datetime):
            name = "timestamp" if dtype.time_zone is None else "instant"
        return [
            None if tick is None else (name, tick * NANOSECONDS[dtype.time_unit])
            for tick in series.to_physical().to_list()
        ]
    if dtype in (pl.Date, pl.Time):
        return [
            None if tick is None else (str(dtype).lower(), tick)
            for tick in series.to_physical().to_list()
        ]
    if isinstance(dtype, (pl.List, pl.Array)):
        lists = (series.slice(place, 1) for place in range(len(series)))
        return [
            None
            if one.null_count()
            else ("list", tuple(of_polars(one.explode())) if one[0].len() else ())
            for one in lists
        ]
    if isinstance(dtype, pl.Struct):
        fields = {field.name: of_polars(series.struct.field(field.name)) for field in dtype.fields}
        return [
            None if null else _struct({name: column[place] for name, column in fields.items()})
            for place, null in enumerate(series.is_null())
        ]
    if type(dtype).__name__ == "Map":
        return of_arrow(series.to_arrow())
    return [of_value(value) for value in series.to_list()]


def of_scalar(scalar: pa.Scalar) -> Any:
    """The form of an Arrow scalar, by its type: `as_py` may be missing or lose digits."""
    types, kind = pa.types, scalar.type
    if not scalar.is_valid:
        return None
    if isinstance(scalar, pa.ExtensionScalar):
        return _of_extension(kind, scalar)
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind) or types.is_union(kind):
        value = scalar.value
        return of_scalar(value) if isinstance(value, pa.Scalar) else of_value(value)
    if types.is_date32(kind):
        return ("date", scalar.value)
    if types.is_date64(kind):
        return ("date", Fraction(scalar.value, 86_400_000))
    if types.is_time(kind):
        return ("time", scalar.value * NANOSECONDS[kind.unit])
    if types.is_timestamp(kind):
        return (
            "timestamp" if kind.tz is None else "instant",
            scalar.value * NANOSECONDS[kind.unit],
        )
    if types.is_duration(kind):
        return ("duration", scalar.value * NANOSECONDS[kind.unit])
    if types.is_map(kind):
        return _map([(of_scalar(pair[0]), of_scalar(pair[1])) for pair in scalar.values])
    if types.is_struct(kind):
        return _struct(
            {kind.field(place).name: of_scalar(scalar[place]) for place in range(kind.num_fields)}
        )
    if types.is_nested(kind):
        return ("list", tuple(of_scalar(one) for one in scalar.values))
    return of_value(scalar.as_py())


def _of_extension(kind: Any, scalar: pa.Scalar) -> Any:
    stored = of_scalar(scalar.value)
    if kind.extension_name == "arrow.uuid":
        return ("uuid", str(uuid.UUID(bytes=stored[1])))
    if kind.extension_name == "arrow.bool8":
        return ("bool", stored[1] != 0)
    return ("json", stored[1]) if kind.extension_name == "arrow.json" else stored


def of_value(value: Any) -> Any:
    """The form of a value of Python, numpy or pandas."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    form = _form_of(type(value))
    return form(value) if form is not None else ("other", type(value).__name__, repr(value))


@cache
def _form_of(kind: type) -> Any:
    return next((form for kinds, form in _FORMS if issubclass(kind, kinds)), None)


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        if not value.is_finite():
            return ("nan",) if value.is_nan() else ("infinity", value > 0)
        return ("number", Fraction(value))
    if value != value:
        return ("nan",)
    if math.isinf(value):
        return ("infinity", bool(value > 0))
    if value == 0 and math.copysign(1, value) < 0:
        return ("minus zero",)
    return ("number", Fraction(*value.as_integer_ratio()))


def _stamp(value: pd.Timestamp) -> Any:
    moment = value.to_datetime64()
    return (
        "timestamp" if value.tzinfo is None else "instant",
        int(moment.astype("i8")) * NANOSECONDS[np.datetime_data(moment.dtype)[0]],
    )


def _moment(value: dt.datetime) -> Any:
    if value.tzinfo is None:
        return ("timestamp", (value - _EPOCH) // _US * 1000)
    since = value.replace(tzinfo=None) - _EPOCH - (value.utcoffset() or dt.timedelta(0))
    return ("instant", since // _US * 1000)


def _clock(value: dt.time) -> Any:
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    ticks = seconds * 10**9 + value.microsecond * 1000
    if value.tzinfo is None:
        return ("time", ticks)
    return ("time with a zone", ticks, str(value.utcoffset()))


def _numpy_moment(value: np.datetime64) -> Any:
    if np.isnat(value):
        return None
    unit, count = np.datetime_data(value.dtype)
    if unit in ("D", "W"):
        return ("date", int(value.astype("M8[D]").astype("i8")))
    if unit in ("Y", "M"):
        value, unit, count = value.astype("M8[D]"), "D", 1
    return ("timestamp", int(value.astype("i8")) * count * NANOSECONDS[unit])


def _numpy_span(value: np.timedelta64) -> Any:
    if np.isnat(value):
        return None
    unit, count = np.datetime_data(value.dtype)
    return ("duration", int(value.astype("i8")) * count * NANOSECONDS[unit])


def _span(value: pd.Timedelta) -> Any:
    return _numpy_span(value.to_timedelta64())


def _offset(value: pd.DateOffset) -> Any:
    """The form of a pandas offset as an interval. Others, such as the end of a month, have no such
    form.
    """
    names = ("hours", "minutes", "seconds", "microseconds", "nanoseconds")
    sizes = dict(zip(names, (NANOSECONDS[unit] for unit in ("h", "m", "s", "us", "ns"))))
    words = dict(value.kwds)
    months = 12 * words.pop("years", 0) + words.pop("months", 0)
    days = 7 * words.pop("weeks", 0) + words.pop("days", 0)
    if (
        type(value) is not pd.DateOffset
        or value.n != 1
        or value.normalize
        or not words.keys() <= sizes.keys()
    ):
        return ("other", "DateOffset", repr(value))
    return ("interval", (months, days, sum(sizes[word] * count for word, count in words.items())))


def _mapping(value: Mapping[Any, Any]) -> Any:
    return _map([(of_value(key), of_value(entry)) for key, entry in value.items()])


def _map(pairs: list[tuple[Any, Any]]) -> Any:
    """A map whose keys are distinct texts is a struct."""
    keys = [key for key, _ in pairs]
    if all(key is not None and key[0] == "text" for key in keys) and len(set(keys)) == len(keys):
        return _struct({key[1]: entry for key, entry in pairs})
    return ("map", tuple(pairs))


def _struct(fields: dict[str, Any]) -> Any:
    """A NULL field is the same as a missing one, since all structs of a column have one type."""
    present = ((name, entry) for name, entry in fields.items() if entry is not None)
    return ("struct", tuple(sorted(present)))


def _record(value: np.void) -> Any:
    if value.dtype.names is None:
        return ("bytes", value.tobytes())
    return _struct({name: of_value(value[name]) for name in value.dtype.names})


def _list(value: Any) -> Any:
    return ("list", tuple(of_value(one) for one in value))


# The first matching type counts.
_FORMS: list[tuple[Any, Any]] = [
    ((bool, np.bool_), lambda value: ("bool", bool(value))),
    (str, lambda value: ("text", str.__str__(value))),
    ((bytes, bytearray, memoryview), lambda value: ("bytes", bytes(value))),
    (np.timedelta64, _numpy_span),
    (np.datetime64, _numpy_moment),
    ((int, np.integer), lambda value: ("number", Fraction(int(value)))),
    ((float, np.floating, Decimal), _number),
    (pd.Timestamp, _stamp),
    (dt.datetime, _moment),
    (dt.date, lambda value: ("date", value.toordinal() - 719_163)),
    (dt.time, _clock),
    (pd.Timedelta, _span),
    (dt.timedelta, lambda value: ("duration", value // _US * 1000)),
    (pd.Period, lambda value: ("period", str(value))),
    (pd.Interval, lambda value: ("range", str(value))),
    (uuid.UUID, lambda value: ("uuid", str(value))),
    (pa.MonthDayNano, lambda value: ("interval", tuple(value))),
    (pd.DateOffset, _offset),
    (pa.Scalar, of_scalar),
    (Mapping, _mapping),
    (np.void, _record),
    ((list, tuple, set, frozenset, np.ndarray, pd.Series), _list),
    (pl.Series, lambda value: ("list", tuple(of_polars(value)))),
]
