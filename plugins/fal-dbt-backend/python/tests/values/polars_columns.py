"""Columns of polars: one function for each type."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import polars as pl

from .arrow_columns import some
from .python_values import SCALARS, Anything, clock, day, moment, real, whole, word

Make = Callable[[Random, int], pl.Series]
_INTEGERS = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)
_TICKS = {"ms": 10**12, "us": 10**15, "ns": 10**18}


def _of(dtype: Any, make: Callable[[Random], Any]) -> Make:
    return lambda rng, rows: pl.Series(some(rng, rows, make), dtype=dtype, strict=True)


def _integers(dtype: Any) -> Make:
    bits, low = int(str(dtype).lstrip("UInt")), str(dtype).startswith("U")
    edges = (0, 2**bits - 1) if low else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return _of(dtype, lambda rng: rng.choice([*edges, 1]))


def _ticks(dtype: Any, size: int) -> Make:
    return lambda rng, rows: pl.Series(
        some(rng, rows, lambda r: r.randrange(-size, size)), dtype=pl.Int64
    ).cast(dtype)


POLARS: dict[str, Make] = {
    "Null": lambda rng, rows: pl.Series([None] * rows, dtype=pl.Null),
    "Boolean": _of(pl.Boolean, lambda rng: rng.random() < 0.5),
    **{str(dtype): _integers(dtype) for dtype in _INTEGERS},
    "Int128": _of(pl.Int128, lambda rng: rng.choice([2**127 - 1, -(2**127), 5])),
    "Int128 of few digits": _of(pl.Int128, whole),
    **(
        {"UInt128": _of(pl.UInt128, lambda rng: rng.choice([2**128 - 1, 5]))}
        if hasattr(pl, "UInt128")
        else {}
    ),
    "Float32": _of(pl.Float32, lambda rng: rng.choice([0.1, float("nan"), float("inf"), -0.0])),
    "Float64": _of(
        pl.Float64, lambda rng: rng.choice([real(rng), float("nan"), float("-inf"), -0.0])
    ),
    "String": _of(pl.String, word),
    "String of all alphabets": _of(pl.String, SCALARS["text of all alphabets"]),
    "String with NUL": _of(pl.String, SCALARS["text with NUL"]),
    "Binary": _of(pl.Binary, SCALARS["bytes"]),
    "Date": _of(pl.Date, day),
    "Date far away": lambda rng, rows: pl.Series(
        [rng.choice([-(2**31), 2**31 - 1, 10**7, -(10**6)]) for _ in range(rows)], dtype=pl.Int32
    ).cast(pl.Date),
    "Time": _of(pl.Time, clock),
    "Time with nanoseconds": lambda rng, rows: pl.Series(
        [rng.randrange(86_400 * 10**9) for _ in range(rows)], dtype=pl.Int64
    ).cast(pl.Time),
    **{f"Datetime({unit})": _ticks(pl.Datetime(unit), size) for unit, size in _TICKS.items()},
    "Datetime(us) far away": _ticks(pl.Datetime("us"), 2**63),
    "Datetime(us, UTC)": _ticks(pl.Datetime("us", "UTC"), 10**15),
    "Datetime(ns, Europe/Berlin)": _ticks(pl.Datetime("ns", "Europe/Berlin"), 10**18),
    **{f"Duration({unit})": _ticks(pl.Duration(unit), 10**12) for unit in _TICKS},
    "Duration(ms) far away": _ticks(pl.Duration("ms"), 2**62),
    "Categorical": _of(pl.Categorical, word),
    "Enum": _of(pl.Enum(["a", "b"]), lambda rng: rng.choice("ab")),
    "Decimal(10, 2)": _of(pl.Decimal(10, 2), lambda rng: Decimal(whole(rng)).scaleb(-2)),
    "Decimal(38, 0)": _of(pl.Decimal(38, 0), lambda rng: Decimal(10**37 + whole(rng))),
    "List(Int64)": _of(pl.List(pl.Int64), lambda rng: [whole(rng), None][: rng.randrange(3)]),
    "List(String)": _of(pl.List(pl.String), lambda rng: [word(rng)]),
    "List(List(Float64))": _of(pl.List(pl.List(pl.Float64)), lambda rng: [[real(rng)], None, []]),
    "List(Datetime)": _of(pl.List(pl.Datetime("us")), lambda rng: [moment(rng)]),
    "List(Categorical)": _of(pl.List(pl.Categorical), lambda rng: [word(rng)]),
    "List(Int128)": _of(pl.List(pl.Int128), lambda rng: [2**100]),
    "Array(Int8, 2)": _of(pl.Array(pl.Int8, 2), lambda rng: [1, 2]),
    "Struct": _of(
        pl.Struct({"a": pl.Int64, "b": pl.String}), lambda rng: {"a": whole(rng), "b": word(rng)}
    ),
    "Struct of Structs": _of(
        pl.Struct({"s": pl.Struct({"d": pl.Date})}), lambda rng: {"s": {"d": day(rng)}}
    ),
    "List(Struct)": _of(
        pl.List(pl.Struct({"a": pl.Float64})), lambda rng: [{"a": rng.choice([0.5, float("nan")])}]
    ),
    "Object": lambda rng, rows: pl.Series([Anything() for _ in range(rows)], dtype=pl.Object),
}
