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
        frames.reader(
            "f",
            data
            if not isinstance(data, list)
            else pandas.DataFrame({"x": pandas.Series(data, dtype=object)}),
        ).read_all()
    assert str(caught.value).startswith("fal: column 'x' ")
    assert caught.value.help
    return str(caught.value).splitlines()[0].removeprefix("fal: column 'x' ")


# Values of incompatible types, and the error's text, in any order of the values.
MIXED = {
    "date and datetime": ([DAY, NOON], "mixes values of several types, date and datetime"),
    "date and Timestamp": (
        [DAY, pandas.Timestamp(NOON)],
        "mixes values of several types, Timestamp and date",
    ),
    "with and without a zone": (
        [NOON, NOON.replace(tzinfo=UTC)],
        "mixes datetimes with and without a time zone",
    ),
    "bool and int": ([True, 2], "mixes values of several types, bool and int"),
    "bool and float": ([True, 2.5], "mixes values of several types, bool and float"),
    "bool, int and float": ([1, 2.5, True], "mixes values of several types, bool and "),
    "numpy's bool and int": ([numpy.bool_(True), 2], "mixes values of several types, bool"),
    "text and bytes": (["a", b"b"], "mixes values of several types, bytes and str"),
    "text and int": (["a", 1], "mixes values of several types, int and str"),
    "text and uuid": (["a", uuid.UUID(int=1)], "mixes values of several types, UUID and str"),
    "float and decimal": ([0.1, D("1.5")], "mixes values of several types, Decimal and float"),
    "float and a large int": (
        [0.5, 2**53 + 1],
        "mixes floats with integers that no float can hold",
    ),
    "time and datetime": ([dt.time(1), NOON], "mixes values of several types, datetime and time"),
    "list and dict": ([[1], {"a": 1}], "mixes values of several types, dict and list"),
    "list and int": ([[1], 1], "mixes values of several types, int and list"),
    "period and text": (
        [pandas.Period("2024-01"), "2024-01"],
        "mixes values of several types, Period and str",
    ),
    "period and date": ([pandas.Period("2024-01"), DAY], "mixes values of several types"),
    "lists of dates and of datetimes": (
        [[DAY], [NOON]],
        "mixes values of several types, date and datetime",
    ),
    "within a list": ([[1, 2.5], [True]], "mixes values of several types, bool and float and int"),
    "within arrays": (
        [numpy.array([1, 2]), numpy.array([True])],
        "mixes values of several types, bool and int",
    ),
    "dicts": (
        [{"a": DAY}, {"a": NOON}],
        "mixes values of several types, date and datetime (at the key 'a' of its dicts)",
    ),
    "dicts of numbers": (
        [{"a": 1}, {"a": True}],
        "mixes values of several types, bool and int (at the key 'a' of its dicts)",
    ),
    "lists of dicts": (
        [[{"a": 1}], [{"a": "x"}]],
        "mixes values of several types, int and str (at the key 'a' of its dicts)",
    ),
}


@pytest.mark.parametrize("case", MIXED)
def test_mixed_values_are_refused_in_any_order(case):
    values, reason = MIXED[case]
    for order in itertools.permutations(values):
        for missing in ([], [None], [NAN], [pandas.NA, pandas.NaT]):
            message = refusal([*missing, *order])
            assert message.startswith(reason)
            assert (
                message.endswith(f": row {len(missing) + len(order)} is {order[-1]!r}")
                or len(order) > 2
                or "NaT" in message
            )


def test_the_row_is_the_first_that_does_not_fit():
    values = ["x"] * 1000
    values[617] = 3
    values[900] = 4.0
    assert refusal(values) == "mixes values of several types, int and str: row 618 is 3"
    assert (
        refusal([[1]] * 600 + [[1, "x"]] + [[1]])
        == "mixes values of several types, int and str: row 601 is [1, 'x']"
    )


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


REFUSED = {
    "time with a zone": (
        [None, dt.time(1, tzinfo=UTC)],
        "holds times of day with a time zone, which would be lost: row 2",
    ),
    "infinite decimal": (
        [D(1), D("Infinity")],
        "holds decimals that are no number: row 2 is Decimal('Infinity')",
    ),
    "half a surrogate pair": (
        ["a", "b\ud800"],
        "holds text with half of a surrogate pair, which is no character: row 2 is 'b\\ud800'",
    ),
    "surrogates in lists": (
        [["a"], ["\udfff"]],
        "holds text with half of a surrogate pair, which is no character: row 2 is ['\\udfff']",
    ),
    "surrogates in dicts": (
        [{"a": "\udfff"}],
        "holds text with half of a surrogate pair, which is no character: row 1",
    ),
    "large integers": (
        [1, 2**70],
        "holds integers of more than 64 bits: row 2 is 1180591620717411303424",
    ),
    "keys that are no text": (
        [{"a": 1}, {1: 2}],
        "holds dicts with keys that are no text: row 2 is {1: 2}",
    ),
    "keys of bytes": ([{b"a": 1}], "holds dicts with keys that are no text: row 1"),
    "sets": ([[1], {1, 2}], "holds values of type set, which no table can hold: row 2 is {1, 2}"),
    "more digits than a double has": (
        [numpy.longdouble(1)],
        "holds values of type longdouble, which no table can hold: row 1",
    ),
    "arrays of those": (
        [numpy.array([1], "g")],
        "holds values of type longdouble, which no table can hold: row 1",
    ),
    "NUL in a key": ([{"a": 1}, {"a\0": 1}], "holds dicts with the character NUL in a key: row 2"),
    "offsets that are no interval": (
        [pandas.DateOffset(months=1), pandas.DateOffset(2, months=1)],
        "holds offsets of pandas that are no interval: row 2",
    ),
    "offsets that replace": (
        [pandas.DateOffset(month=5)],
        "holds offsets of pandas that are no interval: row 1",
    ),
    "complex": ([1j], "holds values of type complex, which no table can hold: row 1 is 1j"),
    "geometries": (
        [None, Point()],
        "holds values of type Point, which no table can hold: row 2 is ",
    ),
    "months of numpy": (
        [numpy.datetime64("2024-01"), None],
        "holds a value that no date or time can be: row 1",
    ),
    "a far day of numpy": (
        [numpy.datetime64(10**9, "D")],
        "holds a value that no date or time can be: row 1",
    ),
    "nanoseconds and a far day": (
        [STAMP, dt.datetime(9999, 1, 1)],
        "mixes nanoseconds with values that have none to that precision: row 2",
    ),
    "nanoseconds in lists": (
        [[NOON], [STAMP]],
        "holds nanoseconds within lists or dicts, which would be lost: row 2",
    ),
    "datetime64 in lists": (
        [[numpy.datetime64("2024-01-01T00:00", "ns")]],
        "holds datetime64 within lists or dicts: row 1",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_values_that_are_refused(case):
    values, reason = REFUSED[case]
    assert refusal(values).startswith(reason)


def test_hints_say_what_to_do():
    with pytest.raises(FalError, match=r"\.to_wkt\(\) or \.to_wkb\(\)"):
        written([Point()])
    with pytest.raises(FalError, match="isoformat"):
        written([dt.time(1, tzinfo=UTC)])


COLUMNS = {
    "months": (lambda: pandas.period_range("2024-01", periods=2, freq="M"), ["2024-01", "2024-02"]),
    "quarters": (lambda: pandas.PeriodIndex(["2024Q1", "NaT"], freq="Q"), ["2024Q1", None]),
    "intervals": (
        lambda: pandas.arrays.IntervalArray.from_tuples([(0, 3), None]),
        ["(0.0, 3.0]", None],
    ),
    "intervals closed on the left": (
        lambda: pandas.arrays.IntervalArray.from_breaks([0, 1, 2], closed="left"),
        ["[0, 1)", "[1, 2)"],
    ),
    "cut": (lambda: pandas.cut([1, 3, 9], [0, 2, 3]), ["(0, 2]", "(2, 3]", None]),
    "qcut": (
        lambda: pandas.qcut([1, 2, 3, 4], 2),
        ["(0.999, 2.5]", "(0.999, 2.5]", "(2.5, 4.0]", "(2.5, 4.0]"],
    ),
    "sparse": (lambda: pandas.arrays.SparseArray([0, 0, 1]), [0, 0, 1]),
    "sparse with NaN": (lambda: pandas.arrays.SparseArray([NAN, 1.5]), [None, 1.5]),
    "dummies": (
        lambda: pandas.get_dummies(pandas.Series(["a", "b"]), sparse=True)["b"].array,
        [False, True],
    ),
    "categories": (lambda: pandas.Categorical(["x", None, "x"]), ["x", None, "x"]),
    "categories of days": (lambda: pandas.Categorical([DAY, None]), [DAY, None]),
    "categories of months": (
        lambda: pandas.Categorical(pandas.period_range("2024-01", periods=2, freq="M")),
        ["2024-01", "2024-02"],
    ),
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
    assert frames.reader("f", grouped).read_all().to_pydict() == {
        "date": ["2024-01", "2024-02"],
        "v": [3, 3],
    }


def test_categories_that_mix():
    assert (
        refusal(pandas.DataFrame({"x": pandas.Categorical([1, "a"])}))
        == "mixes values of several types, int and str: row 2 is 'a'"
    )


def test_the_frame_is_not_changed():
    frame = pandas.DataFrame({"x": pandas.period_range("2024-01", periods=2, freq="M")})
    frames.reader("f", frame)
    assert str(frame.dtypes["x"]) == "period[M]"


def test_integers_of_128_bits():
    column = polars.Series("x", [2**100, None, -1], dtype=polars.Int128)
    assert frames.reader("f", polars.DataFrame([column])).read_all()["x"].to_pylist() == [
        D(2**100),
        None,
        D(-1),
    ]
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
