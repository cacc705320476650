"""The oracle of the property test: which columns it considers equal, and which changed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pytest
from values import canonical, zoo
from values.arrow_columns import ARROW
from values.oracle import Place, difference
from values.pandas_columns import PANDAS
from values.polars_columns import POLARS

DAY, NOON = dt.date(2024, 1, 2), dt.datetime(2024, 1, 2, 12)
UTC = dt.timezone.utc
POLARS_IN_DUCKDB = Place("polars", "duckdb", "arrow")
PANDAS_IN_POSTGRES = Place("pandas", "postgres", "arrow")


def judged(given: Any, read: Any, place: Place = POLARS_IN_DUCKDB) -> str | None:
    return difference([canonical.of_value(given)], [canonical.of_value(read)], place)


EQUAL = [
    (1, 1.0), (1, Decimal("1.00")), (np.uint64(2**64 - 1), Decimal(2**64 - 1)), (0.1, np.float64(0.1)), (np.float32(0.1), float(np.float32(0.1))),
    (float("inf"), float("inf")), (b"a", bytearray(b"a")), ("a", np.str_("a")), ([1, None], np.array([1, None], dtype=object)),
    ({"a": 1, "b": None}, {"a": 1}), (NOON, pd.Timestamp(NOON)), (NOON, np.datetime64(NOON, "ns")), (DAY, np.datetime64(DAY, "D")),
    (NOON.replace(tzinfo=UTC), pd.Timestamp(NOON, tz="UTC").tz_convert("Asia/Tokyo")), (dt.timedelta(1), np.timedelta64(1, "D")),
]  # fmt: skip
CHANGED = [
    (True, 1), (1, True), (1, "1"), (1, 2), (0.1, Decimal("0.1")), (0.1, float(np.float32(0.1))), (1e40, float("inf")), (-0.0, 0.0), (0.0, -0.0),
    (float("nan"), None), (None, 0), ("", None), ("a", b"a"), ("a\0", "a"), (DAY, NOON), (NOON, DAY), (NOON, NOON.replace(tzinfo=UTC)),
    (NOON.replace(tzinfo=UTC), NOON), (pd.Timestamp(1001), pd.Timestamp(1000)), (dt.time(1, tzinfo=UTC), dt.time(1)), (dt.timedelta(1), dt.timedelta(2)),
    (pd.Period("2024-01", "M"), 648), (pd.Period("2024-01", "M"), "2024-02"), (pd.Interval(0, 3), {"left": 0, "right": 3}), ([1, 2], [2, 1]), ([1], [True]), ({"a": 1}, {"a": 1, "b": 2}),
    ({"a": 1}, {"a": 1.5}), (2**63 - 1, 2.0**63), (object(), "object"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "read"), EQUAL)
def test_equal(given, read):
    assert judged(given, read) is None
    assert judged(read, given) is None


@pytest.mark.parametrize(("given", "read"), CHANGED)
def test_changed(given, read):
    assert judged(given, read).startswith("row 1: ")


def test_a_row_too_few_is_a_change():
    assert difference([None, None], [None], POLARS_IN_DUCKDB) == "1 rows instead of 2"


def test_conversions_hold_only_where_they_are_documented():
    assert judged(pd.Period("2024-01", "M"), "2024-01") is None
    assert judged(pd.Interval(0, 3), "(0, 3]") is None
    text = '{"a": [0.1, "2024-01-02T12:00:00", "\\\\xff"]}'
    assert judged({"a": [0.1, NOON, b"\xff"]}, text, PANDAS_IN_POSTGRES) is None
    assert judged({"a": 1}, '{"a": true}', PANDAS_IN_POSTGRES) is not None
    assert judged({"a": 1}, '{"a": 1}') is not None


@pytest.mark.parametrize("columns", [PANDAS, POLARS, ARROW], ids=["pandas", "polars", "pyarrow"])
def test_every_kind_makes_columns(columns):
    for name, make in columns.items():
        for seed in range(3):
            assert len(make(Random(seed), 4)) == 4, name


def test_the_same_seed_draws_the_same_columns():
    assert len(set(zoo.kinds())) >= 60
    for number in range(5):
        first, again = zoo.draw("seed", number), zoo.draw("seed", number)
        assert [column.kinds for column in first.columns] == [
            column.kinds for column in again.columns
        ]
        assert {len(column.given) for column in first.columns} == {len(first.columns[0].given)}
