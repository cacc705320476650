"""Columns of Arrow: one function for each type."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa

from .python_values import SCALARS, clock, day, moment, real, whole, word

Make = Callable[[Random, int], pa.Array]


def some(rng: Random, rows: int, make: Callable[[Random], Any], share: float = 0.25) -> list[Any]:
    return [None if rng.random() < share else make(rng) for _ in range(rows)]


def _of(type: pa.DataType, make: Callable[[Random], Any]) -> Make:
    return lambda rng, rows: pa.array(some(rng, rows, make), type)


def _integers(type: pa.DataType) -> Make:
    bits, signed = type.bit_width, pa.types.is_signed_integer(type)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return _of(type, lambda rng: rng.choice([low, high, 1]))


def _ticks(type: pa.DataType, low: int, high: int) -> Make:
    """Temporal values, as numbers."""
    return _of(type, lambda rng: rng.randrange(low, high))


def _decimal(type: pa.DataType) -> Make:
    top, exact = 10**type.precision - 1, Context(prec=100)
    return _of(
        type,
        lambda rng: Decimal(rng.choice([top, -top, 0, rng.randrange(top)])).scaleb(
            -type.scale, exact
        ),
    )


def _encoded(make: Make, index: pa.DataType = pa.int8()) -> Make:
    return lambda rng, rows: pa.compute.dictionary_encode(make(rng, rows)).cast(
        pa.dictionary(index, make(rng, 0).type)
    )


def _runs(rng: Random, rows: int) -> pa.Array:
    values = ARROW["string"](rng, rows)
    return pa.RunEndEncodedArray.from_arrays(pa.array(range(1, rows + 1), pa.int32()), values)


def _union(sparse: bool) -> Make:
    def column(rng: Random, rows: int) -> pa.Array:
        kinds = pa.array([rng.randrange(2) for _ in range(rows)], pa.int8())
        children = [
            pa.array([whole(rng) for _ in range(rows)]),
            pa.array([word(rng) for _ in range(rows)]),
        ]
        if sparse:
            return pa.UnionArray.from_sparse(kinds, children, ["n", "t"])
        return pa.UnionArray.from_dense(
            kinds, pa.array(range(rows), pa.int32()), children, ["n", "t"]
        )

    return column


def _extension(type: Any, make: Callable[[Random], Any]) -> Make:
    return lambda rng, rows: pa.ExtensionArray.from_storage(
        type, pa.array(some(rng, rows, make), type.storage_type)
    )


def _lists(kind: pa.DataType, make: Callable[[Random], Any], length: int | None = None) -> Make:
    return _of(
        kind, lambda rng: [make(rng) for _ in range(rng.randrange(4) if length is None else length)]
    )


def _pair(rng: Random) -> dict[str, Any]:
    return {"a": rng.choice([whole(rng), None]), "b c": word(rng)}


def _map(rng: Random) -> list[tuple[str, int | None]]:
    return [(key, rng.choice([1, None])) for key in rng.sample("abcd", rng.randrange(4))]


_CLOCK = {"s": 86_400, "ms": 86_400_000, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}
_TICKS = {"s": 10**9, "ms": 10**12, "us": 10**15, "ns": 10**18}
_STRUCT = pa.struct([("a", pa.int64()), ("b c", pa.string())])
_INTEGERS = [getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64)]
_PI = (pa.decimal32(5, 2), pa.decimal64(15, 3)) if hasattr(pa, "decimal32") else ()

ARROW: dict[str, Make] = {
    "null": lambda rng, rows: pa.nulls(rows),
    "bool": _of(pa.bool_(), lambda rng: rng.random() < 0.5),
    **{str(kind): _integers(kind) for kind in _INTEGERS},
    "halffloat": _of(
        pa.float16(), lambda rng: float(np.float16(rng.choice([1.5, 0.1, 65504, float("inf")])))
    ),
    "float": _of(pa.float32(), lambda rng: rng.choice([0.1, float("nan"), float("-inf"), -0.0])),
    "double": _of(
        pa.float64(), lambda rng: rng.choice([real(rng), float("nan"), float("inf"), -0.0, 5e-324])
    ),
    "string": _of(pa.string(), word),
    "string with NUL": _of(pa.string(), SCALARS["text with NUL"]),
    "large_string": _of(pa.large_string(), SCALARS["text of all alphabets"]),
    "string_view": _of(pa.string_view(), lambda rng: word(rng) * 5),
    "binary": _of(pa.binary(), SCALARS["bytes"]),
    "large_binary": _of(pa.large_binary(), SCALARS["bytes"]),
    "binary_view": _of(pa.binary_view(), SCALARS["bytes"]),
    "binary of 4": _of(pa.binary(4), lambda rng: rng.randbytes(4)),
    "date32": _of(pa.date32(), day),
    "date32 far away": _ticks(pa.date32(), -(2**31), 2**31 - 1),
    "date32 at the edges": _of(
        pa.date32(),
        lambda rng: rng.choice([2**31 - 1, -(2**31), 2**31 - 2, -(2**31) + 1, -719_163, 2_932_897]),
    ),
    "date64": _of(pa.date64(), day),
    "time32[s]": _ticks(pa.time32("s"), 0, _CLOCK["s"]),
    "time32[ms]": _ticks(pa.time32("ms"), 0, _CLOCK["ms"]),
    "time64[us]": _of(pa.time64("us"), clock),
    "time64[ns]": _ticks(pa.time64("ns"), 0, _CLOCK["ns"]),
    **{
        f"timestamp[{unit}]": _ticks(pa.timestamp(unit), -size, size)
        for unit, size in _TICKS.items()
    },
    **{
        f"timestamp[{unit}, UTC]": _ticks(pa.timestamp(unit, "UTC"), -size, size)
        for unit, size in _TICKS.items()
    },
    "timestamp[us, Asia/Tokyo]": _of(pa.timestamp("us", "Asia/Tokyo"), moment),
    **{
        f"timestamp[{unit}] far away": _ticks(pa.timestamp(unit), -(2**63), 2**63)
        for unit in _TICKS
    },
    "timestamp[us, UTC] far away": _ticks(pa.timestamp("us", "UTC"), -(2**63), 2**63),
    "timestamp[us] at the edges": _of(
        pa.timestamp("us"), lambda rng: rng.choice([2**63 - 1, -(2**63) + 1, -(2**63), 0])
    ),
    **{f"duration[{unit}]": _ticks(pa.duration(unit), -(10**9), 10**9) for unit in _TICKS},
    "duration[s] far away": _ticks(pa.duration("s"), -(2**62), 2**62),
    "month_day_nano_interval": _of(
        pa.month_day_nano_interval(), lambda rng: (whole(rng), whole(rng), whole(rng) * 1000)
    ),
    "interval with nanoseconds": _of(pa.month_day_nano_interval(), lambda rng: (1, 2, whole(rng))),
    "decimal128": _decimal(pa.decimal128(10, 2)),
    "decimal128 of 38": _decimal(pa.decimal128(38, 10)),
    "decimal128 in hundreds": _decimal(pa.decimal128(5, -2)),
    "decimal256 of few digits": _of(pa.decimal256(50, 2), lambda rng: Decimal("1.50")),
    "decimal256": _decimal(pa.decimal256(60, 20)),
    "decimal256 of 76": _decimal(pa.decimal256(76, 0)),
    **{str(kind).partition("(")[0]: _decimal(kind) for kind in _PI},
    "list of int": _lists(pa.list_(pa.int64()), whole),
    "list of text": _lists(pa.list_(pa.string()), word),
    "list of doubles": _lists(
        pa.list_(pa.float64()), lambda rng: rng.choice([0.1, float("nan"), float("inf"), None])
    ),
    "list of structs": _lists(pa.list_(_STRUCT), _pair),
    "list of lists": _lists(pa.list_(pa.list_(pa.int8())), lambda rng: [1, None]),
    "list of NULL": _lists(pa.list_(pa.null()), lambda rng: None),
    "list of dates": _lists(pa.list_(pa.date32()), day),
    "list of nanoseconds": _lists(pa.list_(pa.timestamp("ns")), lambda rng: rng.randrange(10**18)),
    "list of zoned timestamps": _lists(
        pa.list_(pa.timestamp("us", "UTC")), lambda rng: rng.randrange(10**15)
    ),
    "map of zoned nanoseconds": _of(
        pa.map_(pa.string(), pa.timestamp("ns", "UTC")),
        lambda rng: [("k", rng.randrange(10**15) * 1000)],
    ),
    "list of structs of nanoseconds": _lists(
        pa.list_(pa.struct({"d": pa.duration("ns")})),
        lambda rng: {"d": rng.randrange(10**12) * 1000},
    ),
    "list of intervals": _lists(
        pa.list_(pa.month_day_nano_interval()), lambda rng: (1, 2, rng.choice([1, 1000]))
    ),
    "map of dates at the edges": _of(
        pa.map_(pa.string(), pa.date32()), lambda rng: [("k", rng.choice([2**31 - 1, 0]))]
    ),
    "struct of a union and a date": lambda rng, rows: pa.StructArray.from_arrays(
        [_union(sparse=True)(rng, rows), pa.array([day(rng)] * rows)], ["u", "d"]
    ),
    "list of durations": _lists(pa.list_(pa.duration("us")), lambda rng: rng.randrange(10**12)),
    "list of uint64": _lists(pa.list_(pa.uint64()), lambda rng: 2**64 - 1),
    "large_list": _lists(pa.large_list(pa.string()), word),
    "list_view": _lists(pa.list_view(pa.int64()), whole),
    "fixed_size_list": _lists(pa.list_(pa.int16(), 2), whole, 2),
    "list of words": _lists(pa.list_(pa.dictionary(pa.int8(), pa.string())), word),
    "struct": _of(_STRUCT, _pair),
    "struct of times": _of(
        pa.struct({"at": pa.timestamp("ns"), "on": pa.date32(), "by": pa.time64("us")}),
        lambda rng: {"at": 1, "on": day(rng), "by": clock(rng)},
    ),
    "struct of doubles": _of(
        pa.struct({"f": pa.float64()}), lambda rng: {"f": rng.choice([0.1, float("nan"), -0.0])}
    ),
    "struct of bytes": _of(
        pa.struct({"b": pa.binary(), "n": pa.null()}), lambda rng: {"b": b"\0\xff"}
    ),
    "struct of decimals": _of(
        pa.struct({"d": pa.decimal256(60, 2), "u": pa.uint64()}),
        lambda rng: {"d": Decimal("1.50"), "u": 2**64 - 1},
    ),
    "struct of spans": _of(
        pa.struct({"s": pa.duration("us"), "i": pa.month_day_nano_interval()}),
        lambda rng: {"s": whole(rng), "i": (1, 2, 3000)},
    ),
    "struct of nothing": _of(pa.struct([]), lambda rng: {}),
    "struct by odd names": _of(
        pa.struct([("A", pa.int8()), ("a", pa.int8())]), lambda rng: {"A": 1, "a": 2}
    ),
    "map": _of(pa.map_(pa.string(), pa.int64()), _map),
    "map by int": _of(
        pa.map_(pa.int32(), pa.string()),
        lambda rng: [(n, word(rng)) for n in rng.sample(range(9), rng.randrange(4))],
    ),
    "map with a key twice": _of(pa.map_(pa.string(), pa.int64()), lambda rng: [("k", 1), ("k", 2)]),
    "struct of maps": _of(
        pa.struct({"m": pa.map_(pa.string(), pa.int8())}),
        lambda rng: {"m": [("k", 1), ("l", None)][: rng.randrange(3)]},
    ),
    "list of maps": _of(
        pa.list_(pa.map_(pa.string(), pa.int8())),
        lambda rng: [[("k", 1)], [("k", 2), ("k", 3)]][: rng.randrange(3)],
    ),
    "map of maps": _of(
        pa.map_(pa.int8(), pa.map_(pa.string(), pa.int8())), lambda rng: [(1, [("k", 1)])]
    ),
    "map of lists": _of(pa.map_(pa.string(), pa.list_(pa.int64())), lambda rng: [("k", [1, None])]),
    "dictionary": _encoded(_of(pa.string(), word)),
    "dictionary of int": _encoded(_of(pa.int64(), whole), pa.int32()),
    "dictionary of dates": _encoded(_of(pa.date32(), day)),
    "run_end_encoded": _runs,
    "sparse_union": _union(sparse=True),
    "dense_union": _union(sparse=False),
    "arrow.uuid": _extension(pa.uuid(), lambda rng: rng.randbytes(16)),
    "arrow.json": _extension(
        pa.json_(), lambda rng: rng.choice(['{"a": 1.50}', "[1, null]", '"x"', "1e400"])
    ),
    "arrow.bool8": _extension(pa.bool8(), lambda rng: rng.randrange(2)),
    "arrow.opaque": _extension(pa.opaque(pa.binary(), "point", "test"), lambda rng: b"abc"),
}
