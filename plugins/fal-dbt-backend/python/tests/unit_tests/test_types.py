"""Types of given columns: declared ones, and those inferred from values."""

import datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from fal_worker.unit_tests.types import column, of_sql
from fal_worker.unit_tests.values import of_texts
from live.job_client import refusal

UTC = datetime.timezone.utc


def day(number):
    return datetime.date(2024, 1, number)


def at(number, *rest, **zone):
    return datetime.datetime(2024, 1, number, *rest, **zone)


@pytest.mark.parametrize(
    "given, kind, values",
    [
        ([1, None], pa.int64(), [1, None]),
        ([True, None, False], pa.bool_(), [True, None, False]),
        ([1, 2.5], pa.float64(), [1.0, 2.5]),
        ([1.0, None], pa.float64(), [1.0, None]),
        ([2**70, 1], pa.decimal128(38, 0), [Decimal(2**70), Decimal(1)]),
        (["a", None], pa.string(), ["a", None]),
        (["1", "2"], pa.string(), ["1", "2"]),
        ([1, "a", True], pa.string(), ["1", "a", "true"]),
        ([None, None], pa.null(), [None, None]),
        (["2024-01-01", None], pa.date32(), [day(1), None]),
        (["2024-13-01", "2024-01-01"], pa.string(), ["2024-13-01", "2024-01-01"]),
        (["2024-01-01", "2024-01-02T10:30:00"], pa.timestamp("us"), [at(1), at(2, 10, 30)]),
        (["2024-01-01 10:00:00.5"], pa.timestamp("us"), [at(1, 10, 0, 0, 500000)]),
        (
            ["2024-01-01 10:00:00Z", "2024-01-01 10:00:00+02"],
            pa.timestamp("us", "UTC"),
            [at(1, 10, tzinfo=UTC), at(1, 8, tzinfo=UTC)],
        ),
        ([{"a": 1}, None], pa.struct([("a", pa.int64())]), [{"a": 1}, None]),
        ([[1, 2], []], pa.list_(pa.int64()), [[1, 2], []]),
    ],
)
def test_values_have_types_by_themselves(given, kind, values):
    found = column("x", given, None, "ref('up')")
    assert (found.type, found.to_pylist()) == (kind, values)


@pytest.mark.parametrize(
    "given, declared, kind, values",
    [
        (["1", 2], "INTEGER", pa.int32(), [1, 2]),
        ([1, None], "bigint", pa.int64(), [1, None]),
        ([1], "Double  Precision", pa.float64(), [1.0]),
        (["1.50", 2], "decimal(10,2)", pa.decimal128(10, 2), [Decimal("1.50"), Decimal("2.00")]),
        ([1, "2.345"], "numeric", pa.decimal128(38, 3), [Decimal("1.000"), Decimal("2.345")]),
        ([7], "number(38, 0)", pa.decimal128(38, 0), [Decimal(7)]),
        ([1, "2024-01-01"], "character varying(20)", pa.string(), ["1", "2024-01-01"]),
        ([{"a": [1]}], "jsonb", pa.string(), ['{"a": [1]}']),
        (
            ["2024-01-01"],
            "timestamp(6) with time zone",
            pa.timestamp("us", "UTC"),
            [datetime.datetime(2024, 1, 1, tzinfo=UTC)],
        ),
        (["2024-01-01T00:00:00"], "date", pa.date32(), [day(1)]),
        (["10:30"], "time", pa.time64("us"), [datetime.time(10, 30)]),
        (["true", 0], "boolean", pa.bool_(), [True, False]),
        (["\\x0aff", "a"], "bytea", pa.binary(), [b"\x0a\xff", b"a"]),
        ([[1]], "integer[]", pa.list_(pa.int64()), [[1]]),
        (["red"], "enum('red', 'blue')", pa.string(), ["red"]),
    ],
)
def test_a_declared_type_counts(given, declared, kind, values):
    found = column("x", given, declared, "ref('up')")
    assert (found.type, found.to_pylist()) == (kind, values)


@pytest.mark.parametrize(
    "value, declared, why",
    [
        ("one", "bigint", "'one' is no number"),
        (1.5, "int", "1.5 is no whole number"),
        (300, "tinyint", "300"),
        ("2024-01-01 10:00:00", "date", "'2024-01-01 10:00:00' is no date"),
        ("soon", "timestamp", "'soon' is no date or timestamp in ISO form"),
        ("maybe", "bool", "'maybe' is neither true nor false"),
        ("1.005", "decimal(10, 2)", "data loss"),
    ],
)
def test_what_does_not_fit_the_declared_type_is_told(value, declared, why):
    error = refusal(column, "x", [value], declared, "ref('up')")
    assert error.message.startswith(f"ref('up'): column 'x' is declared as {declared}: ")
    assert why in error.message


def test_types_of_all_warehouses_are_known():
    names = "int64 FLOAT64 timestamp_ntz timestamptz VARIANT bytes nvarchar(10) number(10,2) hugeint text datetime"
    assert all(of_sql(name, []) is not None for name in names.split())
    assert all(
        of_sql(name, []) is None
        for name in ("int[]", "struct(a int)", "array<string>", "interval", "geography")
    )


@pytest.mark.parametrize(
    "texts, values",
    [
        (["1", None, "-2"], [1, None, -2]),
        (["1", "2.5", "1e3"], [1.0, 2.5, 1000.0]),
        (["true", "False"], [True, False]),
        (["007", "8"], ["007", "8"]),
        (["1", "x"], ["1", "x"]),
        ([None], [None]),
    ],
)
def test_csv_is_read_as_a_seed_is(texts, values):
    assert of_texts(texts) == values


def test_a_seed_has_no_leading_zeros():
    assert of_texts(["007", "8"], is_seed=True) == [7, 8]
