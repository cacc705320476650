"""Values of plain Python, numpy and pandas in object columns: one function for each kind of value."""

from __future__ import annotations

import datetime as dt
import enum
import ipaddress
import uuid
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa

Make = Callable[[Random], Any]
DAY = dt.timedelta(days=1)
BERLIN, INDIA = ZoneInfo("Europe/Berlin"), dt.timezone(dt.timedelta(hours=5, minutes=30))
Point = namedtuple("Point", "x y")


class Colour(enum.Enum):
    RED, BLUE = 1, 2


class Size(enum.IntEnum):
    SMALL, LARGE = 1, 2


class Fruit(str, enum.Enum):
    APPLE, PEAR = "apple", "pear"


class Anything:
    """An object that no column type supports."""

    def __repr__(self) -> str:
        return "Anything()"


def one_of(*values: Any) -> Make:
    return lambda rng: rng.choice(values)


def word(rng: Random) -> str:
    return "".join(rng.choice("abcdefgh XYZ_'\"\\,;\n\t") for _ in range(rng.randrange(12)))


def day(rng: Random) -> dt.date:
    return dt.date.fromordinal(rng.randrange(700_000, 740_000))


def moment(rng: Random) -> dt.datetime:
    return dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=rng.randrange(-(10**15), 3 * 10**15))


def clock(rng: Random) -> dt.time:
    second = (rng.randrange(24), rng.randrange(60), rng.randrange(60))
    return dt.time(*second, rng.choice([0, 1, 999_999, rng.randrange(10**6)]))


def whole(rng: Random) -> int:
    return rng.randrange(-1000, 1000)


def real(rng: Random) -> float:
    return rng.choice([0.1, 2.5, 1e300, rng.uniform(-1e6, 1e6), float(whole(rng))])


def decimal(rng: Random) -> Decimal:
    return Decimal(rng.randrange(-(10**6), 10**6)).scaleb(-2)


def record(rng: Random) -> dict[str, Any]:
    return {"a": whole(rng), "b": word(rng)}


_FIELDS = [("a", "i4"), ("b", "f8")]

NUMBERS: dict[str, Make] = {
    "bool": one_of(True, False),
    "numpy bool": lambda rng: np.bool_(rng.random() < 0.5),
    "int": whole,
    "int of 64 bits": one_of(2**63 - 1, -(2**63), 2**53 + 1, 0),
    "int of more than 64 bits": one_of(2**63, 2**64 - 1, 2**64, -(2**70), 10**40),
    "numpy int8": lambda rng: np.int8(rng.randrange(-128, 128)),
    "numpy int64": lambda rng: np.int64(rng.choice([2**63 - 1, -(2**63), whole(rng)])),
    "numpy uint64": lambda rng: np.uint64(rng.choice([2**64 - 1, 2**63, 0])),
    "IntEnum": one_of(Size.SMALL, Size.LARGE),
    "float": real,
    "float at the edges": one_of(
        float("inf"), float("-inf"), -0.0, 5e-324, 1.7976931348623157e308, float("nan")
    ),
    "numpy float16": lambda rng: np.float16(rng.uniform(-100, 100)),
    "numpy float32": lambda rng: np.float32(rng.choice([0.1, 3.4e38, rng.uniform(-1e6, 1e6)])),
    "numpy float64": lambda rng: np.float64(real(rng)),
    "numpy longdouble": lambda rng: np.longdouble(real(rng)) / 3,
    "complex": lambda rng: complex(real(rng), 1),
    "Decimal": decimal,
    "Decimal of several scales": one_of(
        Decimal("1.50"), Decimal("-0.000001"), Decimal("1E+5"), Decimal(7), Decimal("-0")
    ),
    "Decimal of many digits": one_of(
        Decimal(10**37), Decimal(10**40 + 1), Decimal("0." + "1" * 45), Decimal(10**75 + 3)
    ),
    "Decimal that is no number": one_of(Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity")),
    "Fraction": lambda rng: Fraction(whole(rng), 7),
}
TEXTS: dict[str, Make] = {
    "text": word,
    "text of all alphabets": one_of(
        "é", "😀👩‍👩‍👧", "ẞ\u202eabc", "日本語", "\ufeff", "a\u0301", "\U0010ffff", "\x7f\x80"
    ),
    "empty text": one_of("", " ", "NULL", "nan", "None", "\\N", "NaT", "0", "true"),
    "text with NUL": one_of("\0", "a\0b"),
    "lone surrogate": one_of("\ud800", "a\udfffb"),
    "long text": lambda rng: word(rng) * 2000,
    "numpy text": lambda rng: np.str_(word(rng)),
    "text Enum": one_of(Fruit.APPLE, Fruit.PEAR),
    "bytes": one_of(b"", b"\0\xff", b"abc"),
    "bytearray": lambda rng: bytearray(rng.randbytes(3)),
    "memoryview": lambda rng: memoryview(rng.randbytes(3)),
    "numpy bytes": one_of(np.bytes_(b"abc"), np.bytes_(b"\xff")),
    "UUID": lambda rng: uuid.UUID(int=rng.getrandbits(128)),
}
TIMES: dict[str, Make] = {
    "date": day,
    "date at the edges": one_of(
        dt.date.min, dt.date.max, dt.date(1582, 10, 4), dt.date(1970, 1, 1)
    ),
    "datetime": moment,
    "datetime at the edges": one_of(
        dt.datetime.min, dt.datetime.max, dt.datetime(1969, 12, 31, 23, 59, 59, 999_999)
    ),
    "datetime in UTC": lambda rng: moment(rng).replace(tzinfo=dt.timezone.utc),
    "datetime in Berlin": lambda rng: moment(rng).replace(tzinfo=BERLIN, fold=rng.randrange(2)),
    "datetime with an offset": lambda rng: moment(rng).replace(tzinfo=INDIA),
    "time": clock,
    "time at the edges": one_of(dt.time.min, dt.time.max),
    "time with a zone": lambda rng: clock(rng).replace(tzinfo=rng.choice([dt.timezone.utc, INDIA])),
    "timedelta": lambda rng: dt.timedelta(microseconds=rng.randrange(-(10**12), 10**12)),
    "timedelta at the edges": one_of(
        dt.timedelta.min, dt.timedelta.max, dt.timedelta(days=400), dt.timedelta(0)
    ),
    "pandas Timestamp": lambda rng: pd.Timestamp(moment(rng)),
    "pandas Timestamp with nanoseconds": lambda rng: pd.Timestamp(rng.randrange(10**18), unit="ns"),
    "pandas Timestamp with a zone": lambda rng: pd.Timestamp(
        moment(rng), tz=rng.choice(["UTC", "Asia/Tokyo"])
    ),
    "pandas Timedelta": lambda rng: pd.Timedelta(rng.randrange(10**15), unit="us"),
    "pandas Timedelta with nanoseconds": lambda rng: pd.Timedelta(rng.randrange(10**15), unit="ns"),
    "pandas Period": lambda rng: pd.Period(day(rng), rng.choice(["M", "D", "Q", "Y", "W", "h"])),
    "pandas Interval": lambda rng: pd.Interval(
        0, rng.randrange(1, 9), rng.choice(["left", "right", "both", "neither"])
    ),
    "pandas DateOffset": one_of(
        pd.DateOffset(months=1, days=2),
        pd.DateOffset(hours=3),
        pd.DateOffset(years=1, weeks=1, seconds=5),
    ),
    "pandas offset that is no interval": one_of(
        pd.DateOffset(month=5),
        pd.DateOffset(2, months=1),
        pd.offsets.MonthEnd(),
        pd.offsets.BDay(2),
    ),
    "numpy datetime64": lambda rng: np.datetime64(
        moment(rng), rng.choice(["D", "s", "ms", "us", "ns", "Y", "M", "h"])
    ),
    "numpy datetime64 far away": one_of(
        np.datetime64(10**13, "s"), np.datetime64(-(10**12), "s"), np.datetime64(10**7, "D")
    ),
    "numpy timedelta64": lambda rng: np.timedelta64(
        whole(rng), rng.choice(["D", "s", "ms", "us", "ns", "h"])
    ),
    "interval of months, days, nanoseconds": one_of(
        pa.MonthDayNano([1, -2, 3000]), pa.MonthDayNano([0, 0, 1])
    ),
}
NESTED: dict[str, Make] = {
    "list of int": lambda rng: [whole(rng) for _ in range(rng.randrange(4))],
    "list with NULL": lambda rng: [whole(rng), None],
    "list of float": lambda rng: [real(rng), rng.choice([float("nan"), float("inf"), 1.5])],
    "list of text": lambda rng: [word(rng) for _ in range(rng.randrange(3))],
    "list of several kinds": one_of(
        [1, "a"],
        [1, 2.5],
        [True, 1],
        [b"a", "a"],
        [dt.date(2020, 1, 1), dt.datetime(2020, 1, 1, 1)],
    ),
    "list of lists": lambda rng: [[whole(rng)], [], [1, 2]],
    "list of dicts": lambda rng: [record(rng), record(rng)],
    "list of datetimes": lambda rng: [moment(rng)],
    "list of zoned datetimes": lambda rng: [moment(rng).replace(tzinfo=INDIA)],
    "list of Decimals": lambda rng: [decimal(rng), Decimal(1)],
    "empty list": lambda rng: [],
    "tuple": lambda rng: (whole(rng), whole(rng)),
    "named tuple": lambda rng: Point(1, whole(rng)),
    "set": one_of({1}, frozenset([1, 2])),
    "range": one_of(range(3)),
    "numpy array of int": lambda rng: np.array(
        [1, rng.randrange(99)], rng.choice(["i1", "i8", "u2"])
    ),
    "numpy array of float32": lambda rng: np.array([0.1, rng.random()], "f4"),
    "numpy array of objects": lambda rng: np.array([whole(rng), None], dtype=object),
    "numpy array of two dimensions": lambda rng: np.ones((2, 2)) * whole(rng),
    "numpy array of datetimes": lambda rng: np.array([moment(rng)], "M8[us]"),
    "numpy record": lambda rng: np.array([(1, real(rng))], _FIELDS)[0],
    "pandas Series": lambda rng: pd.Series([1, whole(rng)]),
    "dict": record,
    "dict of other keys": one_of({"a": 1}, {"b": "x"}, {"a": 2, "c": None}),
    "dict of several types": one_of({"a": 1}, {"a": "x"}, {"a": 2.5}, {"a": True}),
    "dict with NULL": one_of({"a": None}, {"a": None, "b": "x"}),
    "dict of dicts": lambda rng: {"a": record(rng), "b": [record(rng)]},
    "dict of times": lambda rng: {"at": moment(rng), "on": day(rng), "by": clock(rng)},
    "dict of bytes and Decimals": lambda rng: {"x": b"\0\xff", "d": decimal(rng), "u": 2**64 - 1},
    "dict of floats": lambda rng: {"f": rng.choice([float("nan"), float("inf"), 0.1, -0.0])},
    "dict with NUL": one_of({"a": "\0"}, {"a\0": 1}),
    "dict with a lone surrogate": one_of({"a": "\ud800"}),
    "dict by numbers": one_of({1: "a"}, {1: 2, 3: 4}),
    "dict by odd names": one_of({"": 1}, {"a b": 1, 'q"': 2}, {"A": 1, "a": 2}),
    "empty dict": lambda rng: {},
    "OrderedDict": lambda rng: OrderedDict(b=1, a=whole(rng)),
}
OTHERS: dict[str, Make] = {
    "Enum": one_of(Colour.RED, Colour.BLUE),
    "IP address": one_of(ipaddress.ip_address("10.0.0.1"), ipaddress.ip_network("10.0.0.0/8")),
    "path": one_of(PurePosixPath("/a/b")),
    "object": lambda rng: Anything(),
    "type": one_of(int, str),
    "exception": one_of(ValueError("x")),
    "pyarrow scalar": lambda rng: pa.scalar(whole(rng)),
    "Ellipsis": one_of(...),
}
SCALARS = {**NUMBERS, **TEXTS, **TIMES, **NESTED, **OTHERS}
NULLS = (None, float("nan"), pd.NaT, pd.NA, np.float64("nan"))
