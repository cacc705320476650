"""Columns of pandas with a specific dtype."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .arrow_columns import ARROW
from .python_values import SCALARS, day, moment, real, whole, word

Make = Callable[[Random, int], pd.Series]
_EDGES = {"int8": 7, "int16": 15, "int32": 31, "int64": 63}


def _some(
    rng: Random, rows: int, make: Callable[[Random], Any], null: Any = None, share: float = 0.3
) -> list[Any]:
    return [null if null is not _NEVER and rng.random() < share else make(rng) for _ in range(rows)]


_NEVER = object()


def _integers(dtype: str, null: Any) -> Make:
    bits = int(dtype.lower().lstrip("uint"))
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    if dtype.lower().startswith("u"):
        low, high = 0, 2**bits - 1
    return lambda rng, rows: pd.Series(
        _some(rng, rows, lambda r: r.choice([low, high, 1]), null), dtype=dtype
    )


def _typed(dtype: Any, make: Callable[[Random], Any], null: Any = None) -> Make:
    return lambda rng, rows: pd.Series(_some(rng, rows, make, null), dtype=dtype)


def _floats(rng: Random) -> float:
    return rng.choice([real(rng), float("inf"), -0.0, float("nan"), float("-inf")])


def _category(kind: str, ordered: bool = False) -> Make:
    make = SCALARS[kind]

    def column(rng: Random, rows: int) -> pd.Series:
        categories = list(dict.fromkeys(make(rng) for _ in range(5)))
        codes = [rng.randrange(-1, len(categories)) for _ in range(rows)]
        return pd.Series(pd.Categorical.from_codes(codes, categories=categories, ordered=ordered))

    return column


def _mixed_category(rng: Random, rows: int) -> pd.Series:
    codes = [rng.randrange(-1, 3) for _ in range(rows)]
    categories = pd.Index([1, "a", 2.5], dtype=object)
    return pd.Series(pd.Categorical.from_codes(codes, categories=categories))


def _stamps(unit: str, zone: str | None = None) -> Make:
    def column(rng: Random, rows: int) -> pd.Series:
        size = {"s": 10**9, "ms": 10**12, "us": 10**15, "ns": 10**18}[unit]
        ticks = _some(rng, rows, lambda r: r.randrange(-size, size), "NaT")
        series = pd.Series(np.array([np.datetime64(tick, unit) for tick in ticks], f"M8[{unit}]"))
        return series if zone is None else series.dt.tz_localize("UTC").dt.tz_convert(zone)

    return column


def _far(rng: Random, rows: int) -> pd.Series:
    return pd.Series(
        np.array([rng.choice([-(10**11), 3 * 10**11, 10**13]) for _ in range(rows)], "M8[s]")
    )


def _spans(unit: str) -> Make:
    return lambda rng, rows: pd.Series(
        np.array([rng.randrange(-(10**9), 10**9) for _ in range(rows)], f"m8[{unit}]")
    ).where(pd.Series([rng.random() < 0.8 for _ in range(rows)]))


def _periods(freq: str) -> Make:
    return lambda rng, rows: pd.Series(
        pd.PeriodIndex(_some(rng, rows, lambda r: pd.Period(day(r), freq), pd.NaT), freq=freq)
    )


def _intervals(closed: str, make: Callable[[Random], Any]) -> Make:
    def one(rng: Random) -> pd.Interval:
        left, right = sorted([make(rng), make(rng)])
        return pd.Interval(left, right, closed)

    return lambda rng, rows: pd.Series(
        pd.arrays.IntervalArray(_some(rng, rows, one, np.nan), closed=closed)
    )


def _cut(rng: Random, rows: int) -> pd.Series:
    return pd.Series(pd.cut([rng.uniform(0, 10) for _ in range(rows)], [0, 3, 6, 9]))


def _quantiles(rng: Random, rows: int) -> pd.Series:
    return pd.Series(pd.qcut([rng.uniform(0, 10) for _ in range(rows + 3)], 2)[:rows])


def _sparse(values: list[Any], fill: Any) -> Make:
    return lambda rng, rows: pd.Series(
        pd.arrays.SparseArray([rng.choice(values) for _ in range(rows)], fill_value=fill)
    )


def _as_arrow(kind: str) -> Make:
    def column(rng: Random, rows: int) -> pd.Series:
        array = ARROW[kind](rng, rows)
        return pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([array])))

    return column


_OF_ARROW = (
    "int32", "double", "string", "date32", "time64[us]", "timestamp[us]", "timestamp[ns, UTC]",
    "decimal128", "duration[us]", "binary", "list of int", "struct", "map", "dictionary", "bool",
)  # fmt: skip
PANDAS: dict[str, Make] = {
    **{
        f"dtype {name}": _integers(name, _NEVER)
        for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    },
    **{
        f"dtype {name}": _integers(name, pd.NA)
        for name in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
    },
    "dtype bool": _typed("bool", lambda rng: rng.random() < 0.5, _NEVER),
    "dtype boolean": _typed("boolean", lambda rng: rng.random() < 0.5, pd.NA),
    "dtype float16": _typed("float16", lambda rng: rng.uniform(-10, 10)),
    "dtype float32": _typed("float32", lambda rng: rng.choice([0.1, float("inf"), -0.0])),
    "dtype float64": _typed("float64", _floats),
    "dtype Float32": _typed("Float32", lambda rng: rng.uniform(-10, 10), pd.NA),
    "dtype Float64": _typed("Float64", real, pd.NA),
    "dtype complex128": _typed("complex128", lambda rng: complex(real(rng), 1), _NEVER),
    "dtype str": _typed("str", word),
    "dtype string[python]": _typed("string[python]", word, pd.NA),
    "dtype string[pyarrow]": _typed("string[pyarrow]", word, pd.NA),
    "category of text": _category("text"),
    "category of text, ordered": _category("text", ordered=True),
    "category of int": _category("int"),
    "category of float": _category("float"),
    "category of dates": _category("date"),
    "category of timestamps": _category("pandas Timestamp"),
    "category of zoned timestamps": _category("datetime in UTC"),
    "category of timedelta": _category("timedelta"),
    "category of Periods": lambda rng, rows: pd.Series(
        pd.Categorical(_some(rng, rows, lambda r: pd.Period(day(r), "M"), None))
    ),
    "category of bool": _category("bool"),
    "category of several kinds": _mixed_category,
    "category of nothing": lambda rng, rows: pd.Series(pd.Categorical([None] * rows)),
    "pandas.cut": _cut,
    "pandas.qcut": _quantiles,
    **{f"datetime64[{unit}]": _stamps(unit) for unit in ("s", "ms", "us", "ns")},
    **{
        f"datetime64[us, {zone}]": _stamps("us", zone)
        for zone in ("UTC", "Europe/Berlin", "+05:30")
    },
    "datetime64[ns, UTC]": _stamps("ns", "UTC"),
    "datetime64[s] far away": _far,
    **{f"timedelta64[{unit}]": _spans(unit) for unit in ("s", "ms", "us", "ns")},
    **{f"period[{freq}]": _periods(freq) for freq in ("M", "D", "Q", "Y", "W", "h", "s")},
    "interval[int64, right]": _intervals("right", whole),
    "interval[float64, both]": _intervals("both", lambda rng: rng.uniform(0, 9)),
    "interval[datetime64, left]": _intervals("left", lambda rng: pd.Timestamp(moment(rng))),
    "sparse int": _sparse([0, 1, 5], 0),
    "sparse float": _sparse([float("nan"), 1.5], float("nan")),
    "sparse bool": _sparse([False, True], False),
    **{f"ArrowDtype {kind}": _as_arrow(kind) for kind in _OF_ARROW},
}
