"""Expected rows compared with a model's rows."""

import datetime
import sys
from decimal import Decimal

import pyarrow as pa
import pytest
from fal_worker.unit_tests.compare import compare, rendered
from live.job_client import refusal

NOON = datetime.datetime(2024, 1, 1, 12)
UTC = datetime.timezone.utc


def lines(compared):
    """The lines of the table that shows a difference."""
    return rendered(compared).strip("\n").split("\n")[2:]


def same(expected, values, kind):
    return compare([{"x": expected}], pa.table({"x": pa.array(values, kind)})).is_equal


@pytest.mark.parametrize(
    "expected, actual, kind",
    [
        (1.0, 1, pa.int32()),
        ("1", 1, pa.int64()),
        (1, Decimal("1.00"), pa.decimal128(10, 2)),
        ("1.50", Decimal("1.5"), pa.decimal128(10, 1)),
        (0.3, 0.1 + 0.2, pa.float64()),
        (0, 1e-17, pa.float64()),
        (0.1, 0.1, pa.float32()),
        (1e300, 1e300, pa.float64()),
        (True, True, pa.bool_()),
        ("true", True, pa.bool_()),
        (1, True, pa.bool_()),
        (True, 1, pa.int8()),
        (1, "1", pa.string()),
        (True, "true", pa.large_string()),
        ("a", "a", pa.dictionary(pa.int32(), pa.string())),
        ("2024-01-01", datetime.date(2024, 1, 1), pa.date32()),
        ("2024-01-01T00:00:00", datetime.date(2024, 1, 1), pa.date32()),
        ("2024-01-01 12:00", NOON, pa.timestamp("ns")),
        ("2024-01-01", datetime.datetime(2024, 1, 1), pa.timestamp("s")),
        ("2024-01-01T13:00:00+01:00", NOON, pa.timestamp("us")),
        ("2024-01-01 12:00:00Z", NOON.replace(tzinfo=UTC), pa.timestamp("us", "Europe/Oslo")),
        ("12:30", datetime.time(12, 30), pa.time64("ns")),
        ("\\x00ff", b"\x00\xff", pa.binary()),
        (
            {"b": [1.0], "a": None},
            {"a": None, "b": [1]},
            pa.struct([("a", pa.int8()), ("b", pa.list_(pa.int64()))]),
        ),
        ("[1, 2]", [1, 2], pa.list_(pa.int64())),
        ({"k": 1}, [("k", 1)], pa.map_(pa.string(), pa.int64())),
        ({"a": 1}, '{"a": 1}', pa.string()),
    ],
)
def test_equal_by_value(expected, actual, kind):
    assert same(expected, [actual], kind)


@pytest.mark.parametrize(
    "expected, actual, kind",
    [
        (1.5, 1, pa.int64()),
        (0.3000001, 0.3, pa.float64()),
        ("01", "1", pa.string()),
        ("", None, pa.string()),
        ("soon", datetime.date(2024, 1, 1), pa.date32()),
        ("2024-01-01 12:00:01", NOON, pa.timestamp("us")),
        (False, True, pa.bool_()),
        (None, 0, pa.int64()),
        ([2, 1], [1, 2], pa.list_(pa.int64())),
        (10**20 + 1, Decimal(10**20), pa.decimal128(38, 0)),
    ],
)
def test_different(expected, actual, kind):
    assert not same(expected, [actual], kind)


@pytest.mark.parametrize(
    "kind", [pa.float64(), pa.int64(), pa.string(), pa.timestamp("us"), pa.null()]
)
def test_null_is_null(kind):
    assert same(None, [None], kind)
    assert kind != pa.float64() or same(None, [float("nan")], kind)
    assert kind != pa.float64() or same(float("nan"), [None], kind)


ROWS = pa.table({"ID": [1, 2, 2], "name": ["a", "b", "b"], "other": [1, 2, 3]})


def test_neither_order_nor_other_columns_count():
    assert compare(
        [{"name": "b", "id": 2}, {"id": 1, "name": "a"}, {"id": 2, "name": "b"}], ROWS
    ).is_equal


def test_a_row_counts_as_often_as_it_is_there():
    compared = compare([{"id": 1, "name": "a"}, {"id": 2, "name": "b"}], ROWS)
    assert not compared.is_equal
    assert lines(compared) == ["@@ ,id ,name", "...,...,...", "   ,2  ,b", "+++,2  ,b"]


def test_without_expected_rows_there_must_be_none():
    assert compare([], ROWS.slice(0, 0)).is_equal
    assert compare([], ROWS).columns == ["ID", "name", "other"] and not compare([], ROWS).is_equal


def test_an_unknown_column_is_told_in_dbts_words():
    assert refusal(compare, [{"nope": 1}], ROWS).message == (
        "Invalid column name: 'nope' in unit test fixture for expected output.\n"
        "Accepted columns for expected output are: ['ID', 'name', 'other']"
    )


def test_the_difference_looks_as_in_dbt():
    actual = pa.table(
        {"id": [1, 10, 9], "total": [1.5, None, 2.0], "day": [datetime.date(2024, 1, 1)] * 3}
    )
    expected = [
        {"id": 9, "total": 2, "day": "2024-01-01"},
        {"id": 1, "total": 2.5, "day": "2024-01-02"},
        {"id": 11, "total": None, "day": "2024-01-01"},
    ]
    compared = compare(expected, actual)
    assert rendered(compared).startswith(
        "\n\nactual differs from expected:\n\n@@,id   ,total  ,day\n"
    )
    assert lines(compared) == [
        "@@,id   ,total  ,day",
        "→ ,1    ,2.5→1.5,2024-01-02→2024-01-01",
        "  ,9    ,2      ,2024-01-01",
        "→ ,11→10,NULL   ,2024-01-01",
    ]


def test_the_difference_without_daff(monkeypatch):
    monkeypatch.setitem(sys.modules, "daff", None)
    compared = compare([{"id": 1, "name": None}, {"id": 2, "name": "b"}], ROWS)
    assert lines(compared) == ["@@,id,name", "---,1,NULL", "+++,1,a", "+++,2,b"]


def test_a_difference_that_nobody_reads_is_cut():
    compared = compare([{"x": -1}], pa.table({"x": list(range(3000))}))
    text = rendered(compared)
    assert text.count("+++") == 1000 and text.endswith("... and 2000 more rows that differ\n")
