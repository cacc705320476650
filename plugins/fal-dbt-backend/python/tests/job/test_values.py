"""Object columns whose values no Arrow type fits directly.

They are written unchanged, or refused with the column, the row and a remedy.
"""

import datetime as dt
import itertools
import random
import uuid
from decimal import Decimal

import numpy
import pandas
import polars
import pyarrow
import pytest
from fal_worker.job import frames
from fal_worker.job.error import FalError
from pandas.arrays import IntervalArray, SparseArray

D, NAN, UTC = Decimal, float("nan"), dt.timezone.utc
DAY, NOON = dt.date(2024, 1, 1), dt.datetime(2024, 1, 2, 10, 30)
PLUS_TWO = dt.timezone(dt.timedelta(hours=2))
STAMP = pandas.Timestamp("2024-01-01 00:00:00.123456789")


class Point:
    """A point like shapely's."""

    __geo_interface__ = {"type": "Point"}


def written(values):
    """The type and the values of an object column as it is sent."""
    column = frames.reader(
        "f", pandas.DataFrame({"x": pandas.Series(values, dtype=object)})
    ).read_all()["x"]
    return str(column.type), column.to_pylist()


def refusal(data):
    with pytest.raises(FalError) as caught:
        if isinstance(data, list):
            data = pandas.DataFrame({"x": pandas.Series(data, dtype=object)})
        frames.reader("f", data).read_all()
    assert str(caught.value).startswith("fal: column 'x' ")
    assert caught.value.help
    return str(caught.value).splitlines()[0].removeprefix("fal: column 'x' ")


# Values of incompatible types, and what the error says of them, whatever their order.
MIXED = [
    ([DAY, NOON], "date and datetime"),
    ([DAY, pandas.Timestamp(NOON)], "Timestamp and date"),
    ([NOON, NOON.replace(tzinfo=UTC)], "mixes datetimes with and without a time zone"),
    ([True, 2], "bool and int"),
    ([True, 2.5], "bool and float"),
    ([1, 2.5, True], "bool and "),
    ([numpy.bool_(True), 2], "bool"),
    (["a", b"b"], "bytes and str"),
    (["a", 1], "int and str"),
    (["a", uuid.UUID(int=1)], "UUID and str"),
    ([0.1, D("1.5")], "Decimal and float"),
    ([0.5, 2**53 + 1], "mixes floats with integers that no float can hold"),
    ([dt.time(1), NOON], "datetime and time"),
    ([[1], {"a": 1}], "dict and list"),
    ([[1], 1], "int and list"),
    ([pandas.Period("2024-01"), "2024-01"], "Period and str"),
    ([pandas.Period("2024-01"), DAY], ""),
    ([[DAY], [NOON]], "date and datetime"),
    ([[1, 2.5], [True]], "bool and float and int"),
    ([numpy.array([1, 2]), numpy.array([True])], "bool and int"),
    ([{"a": DAY}, {"a": NOON}], "date and datetime (at the key 'a' of its dicts)"),
    ([{"a": 1}, {"a": True}], "bool and int (at the key 'a' of its dicts)"),
    ([[{"a": 1}], [{"a": "x"}]], "int and str (at the key 'a' of its dicts)"),
]


@pytest.mark.parametrize(("values", "reason"), MIXED)
def test_mixed_values_are_refused_in_any_order(values, reason):
    if not reason.startswith("mixes"):
        reason = f"mixes values of several types, {reason}"
    for order in itertools.permutations(values):
        for missing in ([], [None], [NAN], [pandas.NA, pandas.NaT]):
            message = refusal([*missing, *order])
            assert message.startswith(reason)
            last = f": row {len(missing) + len(order)} is {order[-1]!r}"
            assert message.endswith(last) or len(order) > 2 or "NaT" in message


def test_the_row_is_the_first_that_does_not_fit():
    values = ["x"] * 1000
    values[617] = 3
    values[900] = 4.0
    assert refusal(values) == "mixes values of several types, int and str: row 618 is 3"
    expected = "mixes values of several types, int and str: row 601 is [1, 'x']"
    assert refusal([[1]] * 600 + [[1, "x"]] + [[1]]) == expected


# Values of one kind, or of two that combine without a loss.
WRITTEN = {
    "int and float": ([1, 2.5], "double", [1.0, 2.5]),
    "float and a large double": ([0.5, 2**60], "double", [0.5, float(2**60)]),
    "int and NaN": ([1, NAN], "int64", [1, None]),
    "date and NaN": ([DAY, NAN, pandas.NaT], "date32[day]", [DAY, None, None]),
    "int and decimal": ([1, D("1.5")], "decimal128(2, 1)", [D("1.0"), D("1.5")]),
    "numpy's numbers": ([numpy.int8(1), numpy.uint64(3), 2], "int64", [1, 3, 2]),
    "zones": ([NOON.replace(tzinfo=UTC), NOON.replace(tzinfo=PLUS_TWO)], "timestamp[us, tz=UTC]", [NOON.replace(tzinfo=UTC), NOON.replace(hour=8, tzinfo=UTC)]),
    "datetime and Timestamp": ([NOON, pandas.Timestamp(NOON)], "timestamp[us]", [NOON, NOON]),
    "nanoseconds": ([NOON, STAMP, None, pandas.NA], "timestamp[ns]", [pandas.Timestamp(NOON), STAMP, None, None]),
    "nanoseconds of a duration": ([dt.timedelta(1), pandas.Timedelta(1, "ns")], "duration[ns]", [pandas.Timedelta(1, "D"), pandas.Timedelta(1, "ns")]),
    "datetime64": ([numpy.datetime64("2024-01-02T10:30"), None, numpy.datetime64("NaT")], "timestamp[us]", [NOON, None, None]),
    "datetime64 and datetime": ([NOON, numpy.datetime64("2024-01-02T10:30:00.000", "ms")], "timestamp[us]", [NOON, NOON]),
    "datetime64 of nanoseconds": ([numpy.datetime64(STAMP.value, "ns"), None], "timestamp[ns]", [STAMP, None]),
    "datetime64 of days": ([None, numpy.datetime64("2024-01-01")], "date32[day]", [None, DAY]),
    "timedelta64": ([numpy.timedelta64(90, "s"), None], "duration[us]", [dt.timedelta(seconds=90), None]),
    "periods": ([pandas.Period("2024-01"), None], "string", ["2024-01", None]),
    "intervals": ([None, pandas.Interval(0, 3)], "string", [None, "(0, 3]"]),
    "lists and arrays": ([[1.5], numpy.array([1, 2]), (3,)], "list<item: double>", [[1.5], [1.0, 2.0], [3.0]]),
    "bytes of all kinds": ([b"a", bytearray(b"b")], "binary", [b"a", b"b"]),
}  # fmt: skip


@pytest.mark.parametrize("case", WRITTEN)
def test_values_that_go_together(case):
    values, kind, expected = WRITTEN[case]
    assert written(values) == (kind, expected)
    backwards = written(values[::-1])[1]
    assert backwards == expected[::-1]


HALF = "text with half of a surrogate pair, which is no character: row"
NO_OFFSET = "offsets of pandas that are no interval: row"
NO_MOMENT = "a value that no date or time can be: row 1"
NO_DOUBLE = "values of type longdouble, which no table can hold: row 1"
REFUSED = [
    ([None, dt.time(1, tzinfo=UTC)], "times of day with a time zone, which would be lost: row 2"),
    ([D(1), D("Infinity")], "decimals that are no number: row 2 is Decimal('Infinity')"),
    (["a", "b\ud800"], rf"{HALF} 2 is 'b\ud800'"),
    ([["a"], ["\udfff"]], rf"{HALF} 2 is ['\udfff']"),
    ([{"a": "\udfff"}], f"{HALF} 1"),
    ([1, 2**70], "integers of more than 64 bits: row 2 is 1180591620717411303424"),
    ([{"a": 1}, {1: 2}], "dicts with keys that are no text: row 2 is {1: 2}"),
    ([{b"a": 1}], "dicts with keys that are no text: row 1"),
    ([[1], {1, 2}], "values of type set, which no table can hold: row 2 is {1, 2}"),
    ([numpy.longdouble(1)], NO_DOUBLE),
    ([numpy.array([1], "g")], NO_DOUBLE),
    ([{"a": 1}, {"a\0": 1}], "dicts with the character NUL in a key: row 2"),
    ([pandas.DateOffset(months=1), pandas.DateOffset(2, months=1)], f"{NO_OFFSET} 2"),
    ([pandas.DateOffset(month=5)], f"{NO_OFFSET} 1"),
    ([1j], "values of type complex, which no table can hold: row 1 is 1j"),
    ([None, Point()], "values of type Point, which no table can hold: row 2 is "),
    ([numpy.datetime64("2024-01"), None], NO_MOMENT),
    ([numpy.datetime64(10**9, "D")], NO_MOMENT),
    ([[NOON], [STAMP]], "nanoseconds within lists or dicts, which would be lost: row 2"),
    ([[numpy.datetime64("2024-01-01", "ns")]], "datetime64 within lists or dicts: row 1"),
]


@pytest.mark.parametrize(("values", "reason"), REFUSED)
def test_values_that_are_refused(values, reason):
    assert refusal(values).startswith(f"holds {reason}")


def test_nanoseconds_and_a_far_day():
    reason = "mixes nanoseconds with values that have none to that precision: row 2"
    assert refusal([STAMP, dt.datetime(9999, 1, 1)]).startswith(reason)


def test_hints_say_what_to_do():
    with pytest.raises(FalError, match=r"\.to_wkt\(\) or \.to_wkb\(\)"):
        written([Point()])
    with pytest.raises(FalError, match="isoformat"):
        written([dt.time(1, tzinfo=UTC)])


MONTHS = ["2024-01", "2024-02"]
COLUMNS = {
    "months": (lambda: pandas.period_range("2024-01", periods=2, freq="M"), MONTHS),
    "quarters": (lambda: pandas.PeriodIndex(["2024Q1", "NaT"], freq="Q"), ["2024Q1", None]),
    "intervals": (lambda: IntervalArray.from_tuples([(0, 3), None]), ["(0.0, 3.0]", None]),
    "intervals closed on the left": (
        lambda: IntervalArray.from_breaks([0, 1, 2], closed="left"),
        ["[0, 1)", "[1, 2)"],
    ),
    "cut": (lambda: pandas.cut([1, 3, 9], [0, 2, 3]), ["(0, 2]", "(2, 3]", None]),
    "qcut": (lambda: pandas.qcut([1, 2, 3, 4], 2), ["(0.999, 2.5]"] * 2 + ["(2.5, 4.0]"] * 2),
    "sparse": (lambda: SparseArray([0, 0, 1]), [0, 0, 1]),
    "sparse with NaN": (lambda: SparseArray([NAN, 1.5]), [None, 1.5]),
    "dummies": (
        lambda: pandas.get_dummies(pandas.Series(["a", "b"]), sparse=True)["b"].array,
        [False, True],
    ),
    "categories": (lambda: pandas.Categorical(["x", None, "x"]), ["x", None, "x"]),
    "categories of days": (lambda: pandas.Categorical([DAY, None]), [DAY, None]),
    "categories of months": (lambda: pandas.Categorical(COLUMNS["months"][0]()), MONTHS),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_dtypes_that_arrow_has_no_type_for(case):
    make, expected = COLUMNS[case]
    frame = pandas.DataFrame(
        {"before": 1, "x": make(), "after": 2}, index=range(10, 10 + len(expected))
    )
    table = frames.reader("f", frame).read_all()
    assert (table.column_names, table["x"].to_pylist()) == (["before", "x", "after"], expected)
    assert not isinstance(table["x"].type, pyarrow.BaseExtensionType)


def test_grouped_by_month():
    data = pandas.DataFrame(
        {"date": pandas.to_datetime(["2024-01-05", "2024-01-20", "2024-02-01"]), "v": [1, 2, 3]}
    )
    grouped = data.groupby(data.date.dt.to_period("M")).v.sum().reset_index()
    expected = {"date": ["2024-01", "2024-02"], "v": [3, 3]}
    assert frames.reader("f", grouped).read_all().to_pydict() == expected


def test_categories_that_mix():
    expected = "mixes values of several types, int and str: row 2 is 'a'"
    assert refusal(pandas.DataFrame({"x": pandas.Categorical([1, "a"])})) == expected


def test_the_frame_is_not_changed():
    frame = pandas.DataFrame({"x": pandas.period_range("2024-01", periods=2, freq="M")})
    frames.reader("f", frame)
    assert str(frame.dtypes["x"]) == "period[M]"


def test_integers_of_128_bits():
    column = polars.Series("x", [2**100, None, -1], dtype=polars.Int128)
    expected = [D(2**100), None, D(-1)]
    assert frames.reader("f", polars.DataFrame([column])).read_all()["x"].to_pylist() == expected
    assert refusal(
        polars.DataFrame([polars.Series("x", [1, 10**38], dtype=polars.Int128)])
    ).startswith("holds integers of more than 38 digits, which no decimal can hold: row 2")


@pytest.mark.parametrize("dtype", ["List(Int128)", "Struct({'Object': Int128})"])
def test_integers_of_128_bits_within_others(dtype):
    kind = (
        polars.List(polars.Int128)
        if dtype.startswith("List")
        else polars.Struct({"Object": polars.Int128})
    )
    frame = polars.DataFrame({"x": polars.Series([], dtype=kind)})
    assert (
        refusal(frame) == f"holds integers of 128 bits within {dtype}, which Arrow has no type for"
    )


def test_python_objects_in_polars():
    assert refusal(
        polars.DataFrame({"x": polars.Series([object()], dtype=polars.Object)})
    ).startswith("holds Python objects")
    assert frames.reader("f", polars.DataFrame({"Object": ["a"]})).read_all()[
        "Object"
    ].to_pylist() == ["a"]


def test_names_with_surrogates():
    with pytest.raises(FalError, match=r"the column name 'a\\ud800' has half of a surrogate pair"):
        frames.reader("f", pandas.DataFrame([[1]], columns=pandas.Index(["a\ud800"], dtype=object)))


def test_dictionaries_of_extension_types_keep_theirs():
    import pandas.core.arrays.arrow.extension_types as own

    storage = pyarrow.array([648, 649])
    values = pyarrow.ExtensionArray.from_storage(own.ArrowPeriodType("M"), storage)
    table = pyarrow.table({"x": pyarrow.DictionaryArray.from_arrays(pyarrow.array([1, 0]), values)})
    column = frames.reader("f", table).read_all()["x"]
    assert column.type.extension_name == "pandas.period"


def test_random_orders_give_the_same_type():
    pool = [1, 2.5, None, numpy.int64(7), NAN, numpy.float64(0.5), 2**40]
    rng = random.Random(7)
    for _ in range(200):
        values = [rng.choice(pool) for _ in range(6)]
        shuffled = rng.sample(values, len(values))
        assert sorted(map(str, written(values)[1])) == sorted(map(str, written(shuffled)[1]))
