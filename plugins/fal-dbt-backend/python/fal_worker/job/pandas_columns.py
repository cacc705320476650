"""Columns of pandas that pyarrow has no type for, or a wrong one, as columns that mean the same in a table.

| pandas | written as |
|---|---|
| Period | text, `2024-01` |
| Interval, also as categories (`pandas.cut`, `qcut`) | text, `(0, 3]` |
| sparse | the values |
| numpy.datetime64 as objects | dates (unit D), else timestamps |
| geometry | refused |
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pyarrow

from .error import FalError
from .object_values import GEOMETRY, check, first, has_finer, kind_of, refusal, types_of

if TYPE_CHECKING:
    import pandas

_DAYS, _UNKNOWN = ("W", "D"), ("Y", "M", "ps", "fs", "as", "generic")


def plain(frame: pandas.DataFrame) -> pandas.DataFrame:
    """The frame with every column in a dtype that pyarrow takes by its meaning; the names are text,
    each there once.
    """
    changed = {}
    for place, name in enumerate(frame.columns):
        series = frame.iloc[:, place]
        simple = _plain(name, series)
        if simple is not series:
            changed[name] = simple
    if changed:
        frame = frame.copy(deep=False)
        for name, series in changed.items():
            frame[name] = series
    return frame


def _plain(name: str, series: Any) -> Any:
    kind = type(series.dtype).__name__
    if kind == "SparseDtype":
        return _plain(name, series.sparse.to_dense())
    if kind == "GeometryDtype":
        raise FalError(
            f"fal: column {name!r} holds geometries, which no table can hold",
            "worker::value",
            GEOMETRY,
        )
    if kind in ("PeriodDtype", "IntervalDtype"):
        codes, labels = series.factorize()
        return _labelled(series, codes, labels)
    if kind == "CategoricalDtype":
        inner = type(series.cat.categories.dtype).__name__
        if inner in ("PeriodDtype", "IntervalDtype"):
            return _labelled(series, series.cat.codes.to_numpy(), series.cat.categories)
        if series.cat.categories.dtype == object:
            return series.astype(object)
    return series


def _labelled(series: Any, codes: Any, labels: Any) -> Any:
    """The labels as text, at their places; -1 is a missing value."""
    import numpy

    texts = numpy.array([*map(str, labels), None], dtype=object)
    return type(series)(texts[codes], index=series.index, dtype=object)


def from_objects(name: str, series: Any) -> Any:
    """An Arrow array of a column of objects."""
    values = given = series.to_list()
    types = types_of(values)
    kinds = set(map(kind_of, types))
    if kinds & {"datetime64", "duration"} or kinds == {"label"}:
        values = [_simple(name, row, value) for row, value in enumerate(values)]
        types = types_of(values)
    check(name, values, given)
    kinds = set(map(kind_of, types))
    if "datetime" in kinds and has_finer(types, values):
        return _fine_times(name, values)
    if "duration" in kinds and has_finer(types, values):
        return _fine_durations(name, values)
    if "int" in kinds and len(types) > 1:
        values = _numbers(values)
    return _array(name, values)


def _numbers(values: list[Any]) -> list[Any]:
    """Python's own, in place of numpy's; floats, if there is one that is not missing."""
    if any(kind_of(type(value)) == "float" and value == value for value in values):
        return [
            float(value) if kind_of(type(value)) in ("int", "float") else None for value in values
        ]
    return [int(value) if kind_of(type(value)) == "int" else value for value in values]


def _simple(name: str, row: int, value: Any) -> Any:
    """Values of numpy as Python's or pandas' own, periods and intervals as text."""
    kind = type(value).__name__
    if kind in ("Period", "Interval"):
        return str(value)
    if kind not in ("datetime64", "timedelta64"):
        return value
    import numpy
    import pandas

    if numpy.isnat(value):
        return None
    unit = numpy.datetime_data(value.dtype)[0]
    try:
        if unit in _UNKNOWN:
            raise ValueError
        if kind == "timedelta64":
            return pandas.Timedelta(value)
        if unit in _DAYS:
            simple = value.astype("datetime64[D]").item()
        else:
            simple = (
                pandas.Timestamp(value) if unit == "ns" else value.astype("datetime64[us]").item()
            )
    except (ValueError, OverflowError):
        simple = None
    if not isinstance(simple, dt.date):
        raise refusal(
            name,
            "holds a value that no date or time can be",
            row,
            value,
            "Convert it, for example with .astype('datetime64[us]').",
        )
    return simple


def _fine_times(name: str, values: list[Any]) -> Any:
    import pandas

    zone = next(
        str(value.tzinfo)
        for value in values
        if isinstance(value, dt.datetime) and kind_of(type(value))
    )
    return _nanoseconds(
        name, values, pandas.Timestamp, pyarrow.timestamp("ns", None if zone == "None" else "UTC")
    )


def _fine_durations(name: str, values: list[Any]) -> Any:
    import pandas

    return _nanoseconds(name, values, pandas.Timedelta, pyarrow.duration("ns"))


def _nanoseconds(name: str, values: list[Any], cls: Any, kind: Any) -> Any:
    counts: list[int | None] = []
    for row, value in enumerate(values):
        try:
            counts.append(cls(value).value if kind_of(type(value)) else None)
        except (ValueError, OverflowError):
            help = "Round all of them, for example with .floor('us')."
            raise refusal(
                name,
                "mixes nanoseconds with values that have none to that precision",
                row,
                value,
                help,
            ) from None
    return pyarrow.array(counts, pyarrow.int64()).cast(kind)


def _array(name: str, values: list[Any]) -> Any:
    try:
        return pyarrow.array(values, from_pandas=True)
    except (pyarrow.ArrowException, TypeError, ValueError, OverflowError) as error:
        row = first(_fails, values)
        raise _unfit(name, row, values[row], error) from None


def _fails(values: list[Any]) -> bool:
    try:
        pyarrow.array(values, from_pandas=True)
    except (pyarrow.ArrowException, TypeError, ValueError, OverflowError):
        return True
    return False


def _unfit(name: str, row: int, value: Any, error: Exception) -> FalError:
    kind = type(value).__name__
    if isinstance(error, OverflowError):
        return refusal(
            name,
            "holds integers of more than 64 bits",
            row,
            value,
            "Use decimal.Decimal for them, or text.",
        )
    if isinstance(error, UnicodeEncodeError):
        help = "Remove it, for example with .str.encode('utf-8', 'replace').str.decode('utf-8')."
        return refusal(
            name,
            "holds text with half of a surrogate pair, which is no character",
            row,
            value,
            help,
        )
    return refusal(
        name,
        f"holds values of type {kind}, which no table can hold",
        row,
        value,
        "Write them as text, numbers or dates.",
    )
