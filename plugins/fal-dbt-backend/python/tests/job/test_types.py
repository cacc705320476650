"""Every column type: read as pandas, and written back without a loss."""

import datetime as dt
from decimal import Decimal

import numpy
import pandas
import pyarrow
import pytest
from fal_worker.job import frames, pandas_frames, read
from pyarrow import binary, decimal128, int8, int64, list_, struct, uint8

NOON = dt.datetime(2024, 2, 29, 12, 0, 0, 1)
UTC_NOON, BERLIN = NOON.replace(tzinfo=dt.timezone.utc), "Europe/Berlin"
DAY_TIME = dt.datetime(2024, 1, 1)
SECONDS, MICROSECONDS = pyarrow.timestamp("s"), pyarrow.timestamp("us")
PAIR = struct([("a", int64()), ("b", pyarrow.string())])
D = Decimal
DAY = dt.date(1, 1, 1)
BIG = 2**63 - 1
FAR_AWAY = [dt.datetime(9999, 12, 31), dt.datetime(1, 1, 1)]

# Arrow type, values, pandas dtype, and the type that comes back where it is another one.
TABLE = [
    (pyarrow.int8(), [1, -128], "int8"),
    (pyarrow.int8(), [1, None], "Int8"),
    (pyarrow.int16(), [1, None], "Int16"),
    (pyarrow.int32(), [1, None], "Int32"),
    (pyarrow.int64(), [BIG, -BIG], "int64"),
    (pyarrow.int64(), [BIG, None], "Int64"),
    (pyarrow.int64(), [None, None], "Int64"),
    (pyarrow.uint8(), [255, None], "UInt8"),
    (pyarrow.uint16(), [1, None], "UInt16"),
    (pyarrow.uint32(), [1, None], "UInt32"),
    (pyarrow.uint64(), [2**64 - 1, None], "UInt64"),
    (pyarrow.uint64(), [2**64 - 1, 0], "uint64"),
    (pyarrow.bool_(), [True, False], "bool"),
    (pyarrow.bool_(), [True, None], "boolean"),
    (pyarrow.float32(), [1.5, None], "float32"),
    (pyarrow.float64(), [0.1, None], "float64"),
    (pyarrow.decimal128(38, 10), [Decimal("1234567890123456789.0123456789"), None], "object"),
    (pyarrow.string(), ["ä🙂\u0000\u200b", None], "str", pyarrow.large_string()),
    (pyarrow.string(), ["", "b"], "str", pyarrow.large_string()),
    (pyarrow.string(), [None, None], "str", pyarrow.large_string()),
    (pyarrow.large_string(), ["a", None], "str"),
    (pyarrow.binary(), [b"\x00\xff", None], "object"),
    (pyarrow.date32(), [DAY, None], "object"),
    (pyarrow.time64("us"), [dt.time(23, 59, 59, 999999), None], "object"),
    (pyarrow.timestamp("us"), [NOON, None], "datetime64[us]"),
    (pyarrow.timestamp("us"), FAR_AWAY, "datetime64[us]"),
    (pyarrow.timestamp("ns"), [pandas.Timestamp(1, unit="ns"), None], "datetime64[ns]"),
    (pyarrow.timestamp("us", "UTC"), [UTC_NOON, None], "datetime64[us, UTC]"),
    (pyarrow.timestamp("us", BERLIN), [UTC_NOON, None], "datetime64[us, Europe/Berlin]"),
    (pyarrow.duration("us"), [dt.timedelta(days=-1, microseconds=1), None], "timedelta64[us]"),
    (pyarrow.month_day_nano_interval(), [pyarrow.MonthDayNano([14, -3, 5]), None], "object"),
    (pyarrow.list_(pyarrow.int64()), [[1, 2], [], None], "object"),
    (pyarrow.list_(pyarrow.int64()), [[BIG, None], [1]], "object"),
    (pyarrow.list_(pyarrow.string()), [["a", None], None], "object"),
    (pyarrow.list_(pyarrow.list_(pyarrow.int64())), [[[BIG, None], None], [[1]]], "object"),
    (PAIR, [{"a": BIG, "b": None}, {"a": None, "b": "x"}, None], "object"),
    (pyarrow.struct([("a", pyarrow.list_(pyarrow.int64()))]), [{"a": [BIG, None]}], "object"),
    (
        pyarrow.map_(pyarrow.string(), int64()),
        [[("a", 1)], None],
        "object",
        struct([("a", int64())]),
    ),
    (pyarrow.null(), [None, None], "object"),
]


PANDAS = int(pandas.__version__.partition(".")[0])


def dtype_here(dtype):
    """The dtype in the installed pandas: before 3 text is object; pandas 1 knows nanoseconds only."""
    if dtype == "str" and PANDAS < 3:
        return "object"
    return dtype.replace("64[us", "64[ns") if PANDAS < 2 else dtype


def type_here(kind):
    """The Arrow type that is written for a column that was read with this type."""
    if PANDAS < 2 and (pyarrow.types.is_timestamp(kind) or pyarrow.types.is_duration(kind)):
        is_time = pyarrow.types.is_timestamp(kind)
        return pyarrow.timestamp("ns", kind.tz) if is_time else pyarrow.duration("ns")
    return kind


def names(case):
    return f"{case[0]}-{'null' if None in case[1] else 'full'}".replace(" ", "")


@pytest.mark.parametrize("case", TABLE, ids=names)
def test_pandas_keeps_every_value(case):
    kind, values, dtype, back = (*case, None)[:4]
    others = range(len(values))
    table = pyarrow.table({"before": others, "x": pyarrow.array(values, kind), "after": others})
    frame = pandas_frames.from_arrow(table)
    assert list(frame.columns) == ["before", "x", "after"]
    written = frames.reader("write_to_model", frame).read_all()
    if values == FAR_AWAY and PANDAS < 2:
        dtype, back = "object", pyarrow.timestamp("us")
    assert str(frame["x"].dtype) == dtype_here(dtype)
    column = written["x"]
    if PANDAS < 3 and dtype == "str":
        assert column.to_pylist() == values
    elif not pyarrow.types.is_map(kind):
        assert column.type == (back if values == FAR_AWAY and back else type_here(back or kind))
        assert column.cast(kind) == table["x"]
    else:
        assert column.to_pylist() == [{"a": 1}, None]
    assert written["after"] == table["after"]


@pytest.mark.parametrize("kind", sorted({case[0] for case in TABLE}, key=str), ids=str)
def test_no_rows(kind):
    frame = pandas_frames.from_arrow(pyarrow.table({"x": pyarrow.array([], kind)}))
    assert len(frame) == 0
    assert list(frame.columns) == ["x"]
    assert frames.reader("write_to_model", frame).read_all().num_rows == 0


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (decimal128(9, 2), D("1.10"), D("1.10")),
        (pyarrow.date32(), DAY, DAY),
        (pyarrow.map_(pyarrow.string(), int64()), [("a", 1), ("b", None)], {"a": 1, "b": None}),
    ],
)
def test_objects(kind, value, expected):
    frame = pandas_frames.from_arrow(pyarrow.table({"x": pyarrow.array([value], kind)}))
    assert frame.x[0] == expected
    assert type(frame.x[0]) is type(expected)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 2], "int64"),
        ([1, None], "Int64"),
        ([], "int64"),
        ([1, 2**64], "object"),
        ([1, None, -(2**64)], "object"),
    ],
)
def test_sums_are_integers_where_they_fit(values, dtype):
    column = pyarrow.array(
        [None if value is None else Decimal(value) for value in values], pyarrow.decimal128(38, 0)
    )
    field = pyarrow.field("x", column.type, metadata={"fal.type": "HUGEINT"})
    frame = pandas_frames.from_arrow(
        read.with_plain_integers(pyarrow.table([column], schema=pyarrow.schema([field])))
    )
    assert str(frame.x.dtype) == dtype
    assert [None if value is pandas.NA else value for value in frame.x] == values


NARROW = {
    "decimal": (pyarrow.decimal128(18, 3), [Decimal("1.250"), None]),
    "decimals of nothing": (pyarrow.decimal128(18, 3), [None, None]),
    "list": (pyarrow.list_(pyarrow.int32()), [[1, None], []]),
    "list of lists": (pyarrow.list_(pyarrow.list_(pyarrow.int8())), [[[1], None]]),
    "struct": (struct({"a": pyarrow.int32(), "b": pyarrow.string()}), [{"a": 1, "b": None}, None]),
    "dates of nothing": (pyarrow.date32(), [None]),
}


@pytest.mark.parametrize("case", NARROW)
def test_types_that_pandas_does_not_know_are_remembered(case):
    table = pyarrow.table({"x": pyarrow.array(NARROW[case][1], NARROW[case][0])})
    frame = pandas_frames.from_arrow(table)
    changed = frame[frame.index >= 0].assign(more=1).rename(columns={"more": "other"})
    changed = changed.reset_index(drop=True)
    assert frames.reader("f", changed).read_all().select(["x"]).equals(table)


def test_what_does_not_fit_the_remembered_type_has_its_own():
    frame = pandas_frames.from_arrow(
        pyarrow.table({"x": pyarrow.array([Decimal("1.25")], pyarrow.decimal128(18, 2))})
    )
    frame.loc[0, "x"] = Decimal("1.255")
    assert frames.reader("f", frame).read_all()["x"].to_pylist() == [Decimal("1.255")]
    frame["x"] = pandas.Series(["text"], dtype=object)
    assert frames.reader("f", frame).read_all()["x"].to_pylist() == ["text"]
    struct = pyarrow.array([{"a": 1}], pyarrow.struct({"a": pyarrow.int32()}))
    frame = pandas_frames.from_arrow(pyarrow.table({"x": struct}))
    frame["x"] = pandas.Series([{"a": 1, "b": 2}])
    assert frames.reader("f", frame).read_all()["x"].to_pylist() == [{"a": 1, "b": 2}]


def test_what_is_remembered_does_not_hinder_parquet(tmp_path):
    frame = pandas_frames.from_arrow(pyarrow.table({"x": pyarrow.array([Decimal("1.25")])}))
    frame.to_parquet(tmp_path / "x.parquet")
    assert pandas.read_parquet(tmp_path / "x.parquet").x[0] == Decimal("1.25")


def test_columns_of_one_name_stay_apart():
    table = pyarrow.table(
        [pyarrow.array([1, None]), pyarrow.array([2, 3]), pyarrow.array([None, 5])],
        names=["x", "x", "x"],
    )
    frame = pandas_frames.from_arrow(table)
    assert [str(dtype) for dtype in frame.dtypes] == ["Int64", "int64", "Int64"]


def test_the_frame_can_be_changed():
    frame = pandas_frames.from_arrow(pyarrow.table({"x": [1, 2], "y": [1, None]}))
    frame.loc[0, "x"] = 5
    frame.loc[1, "y"] = 7
    assert frame.x.tolist() == [5, 2]
    assert frame.y.tolist() == [1, 7]


def test_nan_is_written_as_null_and_infinity_is_kept():
    frame = pandas.DataFrame({"x": [1.0, numpy.nan, numpy.inf]})
    assert frames.reader("f", frame).read_all()["x"].to_pylist() == [1.0, None, numpy.inf]


F32, F64 = pyarrow.float32(), pyarrow.float64()
# The type read, the values written in its place, and the type they get. It is the type read only if
# that holds all the values.
RESTORED = {
    "floats that are as before": (list_(F32), [[1.5, 2.5]], [[1.5], [0.25, None]], list_(F32)),
    "large doubles": (list_(F32), [[1.5]], [[1.5e40]], list_(F64)),
    "fine doubles": (list_(F32), [[1.5]], [[0.1]], list_(F64)),
    "one fine double": (list_(F32), [[1.5]], [[0.5], None, [0.1]], list_(F64)),
    "infinity": (list_(F32), [[1.5]], [[float("inf")]], list_(F32)),
    "doubles in structs": (struct({"a": F32}), [{"a": 1.5}], [{"a": 0.1}], struct({"a": F64})),
    "doubles in lists of structs": (
        list_(struct({"a": F32, "b": int8()})),
        [[{"a": 1.5, "b": 1}]],
        [[{"a": 0.1, "b": 1}]],
        list_(struct({"a": F64, "b": int64()})),
    ),
    "arrays of a length": (list_(F32, 2), [[1.5, 2.5]], [[0.5, 1.0]], list_(F32, 2)),
    "arrays of another length": (list_(F32, 2), [[1.5, 2.5]], [[0.5]], list_(F64)),
    "small integers": (list_(int8()), [[1]], [[127]], list_(int8())),
    "larger integers": (list_(int8()), [[1]], [[128]], list_(int64())),
    "integers below 0": (list_(uint8()), [[1]], [[-1]], list_(int64())),
    "finer decimals": (decimal128(9, 2), [D("1.25")], [D("1.255")], decimal128(4, 3)),
    "fewer digits": (decimal128(9, 2), [D("1.25")], [D("1.5")], decimal128(9, 2)),
    "longer decimals in lists": (
        list_(decimal128(3, 1)),
        [[D("1.5")]],
        [[D("12345.5")]],
        list_(decimal128(6, 1)),
    ),
    "microseconds in lists": (list_(SECONDS), [[DAY_TIME]], [[NOON]], list_(MICROSECONDS)),
    "longer bytes": (binary(2), [b"ab"], [b"abc"], binary()),
}


@pytest.mark.parametrize("case", RESTORED)
def test_the_type_that_was_read_is_restored_if_every_value_survives(case):
    kind, before, after, expected = RESTORED[case]
    frame = pandas_frames.from_arrow(pyarrow.table({"x": pyarrow.array(before, kind)}))
    frame = frame.iloc[:0].reindex(range(len(after)))
    frame["x"] = pandas.Series(after, dtype=object)
    column = frames.reader("f", frame).read_all()["x"]
    assert (column.type, column.to_pylist()) == (expected, after)
