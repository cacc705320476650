"""The table of types: the Arrow type written, the PostgreSQL type stored, the Arrow type read back."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
from live.arrays import UUIDS, integers
from live.job_client import refusal

D = Decimal
INTERVAL = "month_day_nano_interval"
STAMP, ZONED = "timestamp[us]", "timestamp[us, tz=UTC]"


def utc(*args: int) -> dt.datetime:
    return dt.datetime(*args, tzinfo=dt.timezone.utc)


# The written Arrow type, PostgreSQL's type, the Arrow type read back (None: the same), and the
# values read back (None: the same).
WRITTEN = {
    "int8": (integers(pa.int8()), "smallint", "int16", None),
    "int16": (integers(pa.int16()), "smallint", None, None),
    "int32": (integers(pa.int32()), "integer", None, None),
    "int64": (integers(pa.int64()), "bigint", None, None),
    "uint8": (integers(pa.uint8()), "smallint", "int16", None),
    "uint16": (integers(pa.uint16()), "integer", "int32", None),
    "uint32": (integers(pa.uint32()), "bigint", "int64", None),
    "uint64": (integers(pa.uint64()), "numeric(20,0)", "decimal128(20, 0)", [D(0), None, D(2**64 - 1)]),
    "float16": (pa.array([1.5, None], pa.float16()), "real", "float", None),
    "float32": (pa.array([1.5, None, float("inf")], pa.float32()), "real", None, None),
    "float64": (pa.array([0.1, None, float("-inf")]), "double precision", None, None),
    "bool": (pa.array([True, None, False]), "boolean", None, None),
    "all NULL": (pa.nulls(3), "text", "string", None),
    "string": (pa.array(["é 😀 \u202e ẞ\n\t'\"\\", None, "", "\\N", "NULL"]), "text", None, None),
    "large_string": (pa.array(["x", None], pa.large_string()), "text", "string", None),
    "string_view": (pa.array(["x" * 50, None], pa.string_view()), "text", "string", None),
    "binary": (pa.array([b"\0\xff", None, b""]), "bytea", None, None),
    "large_binary": (pa.array([b"x"], pa.large_binary()), "bytea", "binary", None),
    "binary_view": (pa.array([b"x"], pa.binary_view()), "bytea", "binary", None),
    "binary of 4": (pa.array([b"abcd"], pa.binary(4)), "bytea", "binary", None),
    "decimal128": (pa.array([D("1.50"), None, D("-99999999.99")], pa.decimal128(10, 2)), "numeric(10,2)", None, None),
    "decimal of 38": (pa.array([D(10**38 - 1), D(1 - 10**38)], pa.decimal128(38, 0)), "numeric(38,0)", None, None),
    "decimal256": (pa.array([D("1.50")], pa.decimal256(50, 2)), "numeric(50,2)", None, None),
    "decimal of 76": (pa.array([D(10**76 - 1)], pa.decimal256(76, 0)), "numeric(76,0)", None, None),
    "decimal in hundreds": (pa.array([D("1200")], pa.decimal128(5, -2)), "numeric(7,0)", "decimal128(7, 0)", None),
    "date32": (pa.array([dt.date(1, 1, 1), None, dt.date(9999, 12, 31)]), "date", None, None),
    "date64": (pa.array([dt.date(2020, 2, 29)], pa.date64()), "date", "date32[day]", None),
    "time32[s]": (pa.array([dt.time(1, 2, 3)], pa.time32("s")), "time without time zone", "time64[us]", None),
    "time32[ms]": (pa.array([dt.time(1, 2, 3, 4000)], pa.time32("ms")), "time without time zone", "time64[us]", None),
    "time64[us]": (pa.array([dt.time(23, 59, 59, 999999), None], pa.time64("us")), "time without time zone", None, None),
    "time64[ns]": (pa.array([1000], pa.time64("ns")), "time without time zone", "time64[us]", [dt.time(0, 0, 0, 1)]),
    "timestamp[s]": (pa.array([dt.datetime(2020, 1, 1), None], pa.timestamp("s")), "timestamp without time zone", STAMP, None),
    "timestamp[ms]": (pa.array([dt.datetime(1969, 1, 1)], pa.timestamp("ms")), "timestamp without time zone", STAMP, None),
    "timestamp[us]": (pa.array([dt.datetime(1, 1, 1), None], pa.timestamp("us")), "timestamp without time zone", None, None),
    "timestamp[ns]": (
        pa.array([1577836800000001000, None], pa.timestamp("ns")),
        "timestamp without time zone", STAMP, [dt.datetime(2020, 1, 1, 0, 0, 0, 1), None],
    ),
    "zoned[s]": (pa.array([1577836800], pa.timestamp("s", "Europe/Berlin")), "timestamp with time zone", ZONED, [utc(2020, 1, 1)]),
    "zoned[us]": (pa.array([0, None], pa.timestamp("us", "+02:00")), "timestamp with time zone", ZONED, [utc(1970, 1, 1), None]),
    "duration[s]": (pa.array([90, None], pa.duration("s")), "interval", INTERVAL, [(0, 0, 90 * 10**9), None]),
    "duration[us]": (pa.array([-90], pa.duration("us")), "interval", INTERVAL, [(0, 0, -90_000)]),
    "duration[ns]": (pa.array([1000], pa.duration("ns")), "interval", INTERVAL, [(0, 0, 1000)]),
    "interval": (pa.array([(1, -2, 3000), None], pa.month_day_nano_interval()), "interval", None, None),
    "list": (pa.array([[1, None], None, []], pa.list_(pa.int64())), "bigint[]", "list<item: int64>", None),
    "large_list": (pa.array([["x"]], pa.large_list(pa.string())), "text[]", "list<item: string>", None),
    "list of NULL": (pa.array([[None], []], pa.list_(pa.null())), "text[]", "list<item: string>", None),
    "list view": (pa.array([[9], [1], None, [2, 3]], pa.list_view(pa.int64())).slice(1), "bigint[]", "list<item: int64>", None),
    "fixed list": (pa.array([[1, 2], None], pa.list_(pa.int8(), 2)), "smallint[]", "list<item: int16>", None),
    "sliced list": (pa.array([[9], [1, 2], None, [3]]).slice(1), "bigint[]", "list<item: int64>", None),
    "list of decimal": (pa.array([[D("1.5"), None]]), "numeric(2,1)[]", "list<item: decimal128(38, 1)>", None),
    "list of dates": (pa.array([[dt.date(2020, 1, 1)]]), "date[]", "list<item: date32[day]>", None),
    "list of words": (pa.array([["a", "b"]], pa.list_(pa.dictionary(pa.int8(), pa.string()))), "text[]", "list<item: string>", None),
    "list of lists": (pa.array([[[1], [2, 3]], None]), "jsonb", "string", ["[[1], [2, 3]]", None]),
    "struct": (pa.array([{"a": 1, "b c": "x"}, None]), "jsonb", "string", ['{"a": 1, "b c": "x"}', None]),
    "struct of more": (
        pa.array([{"d": D("1.50"), "t": dt.datetime(2020, 1, 1), "b": b"\xff", "n": None, "l": [True]}]),
        "jsonb", "string", ['{"b": "\\\\xff", "d": 1.50, "l": [true], "n": null, "t": "2020-01-01T00:00:00"}'],
    ),
    "struct of an interval": (
        pa.array([{"i": (1, -2, 3000)}], pa.struct({"i": pa.month_day_nano_interval()})),
        "jsonb", "string", ['{"i": "1 mons -2 days 0.000003 seconds"}'],
    ),
    "map": (pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int32())), "jsonb", "string", ['{"k": 1}', None]),
    "map of numbers": (pa.array([[(1, 2)]], pa.map_(pa.int32(), pa.int32())), "jsonb", "string", ["[[1, 2]]"]),
    "dictionary": (pa.array(["a", None, "a"]).dictionary_encode(), "text", "string", None),
    "dictionary of int": (pa.array([1, None]).dictionary_encode(), "bigint", "int64", None),
    "runs": (pa.RunEndEncodedArray.from_arrays([2, 3], ["a", "b"]), "text", "string", None),
    "uuid": (UUIDS, "uuid", "string", ["30313233-3435-3637-3839-616263646566", None]),
    "json": (pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1.50}', None])), "jsonb", "string", None),
    "zero rows": (pa.array([], pa.decimal128(5, 1)), "numeric(5,1)", None, None),
}  # fmt: skip


@pytest.mark.parametrize("case", WRITTEN)
def test_written(client, job, case):
    array, kind, back, values = WRITTEN[case]
    assert client.write(pa.table({"x": array}))["rows_affected"] == len(array)
    assert client.query(
        "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'scores'::regclass and attname = 'x'"
    ) == [(kind,)]
    column = job.ref("scores")["x"]
    assert str(column.type) == (back or str(array.type))
    assert column.to_pylist() == (array.to_pylist() if values is None else values)


def test_nan_goes_both_ways(client, job):
    client.write(pa.table({"x": [float("nan")], "y": pa.array([float("nan")], pa.float32())}))
    assert client.query("select x::text, y::text from scores") == [("NaN", "NaN")]
    assert all(value != value for value in job.ref("scores").to_pylist()[0].values())


def decimal(precision: int, scale: int) -> str:
    return f"decimal{128 if precision <= 38 else 256}({precision}, {scale})"


# PostgreSQL's expression, the Arrow type read, the value, `fal.type`.
READ = {
    "1::smallint": ("int16", 1, None),
    "1::int": ("int32", 1, None),
    "null::int": ("int32", None, None),
    "1::bigint": ("int64", 1, None),
    "4000000000::oid": ("int64", 4000000000, None),
    "1.5::real": ("float", 1.5, None),
    "'-Infinity'::float8": ("double", float("-inf"), None),
    "1.5::numeric(10, 2)": (decimal(10, 2), D("1.50"), None),
    "1.5::numeric(60, 2)": (decimal(60, 2), D("1.50"), None),
    "12345::numeric(5, -2)": (decimal(7, 0), D(12300), None),
    "0.001::numeric(2, 3)": (decimal(3, 3), D("0.001"), None),
    "null::numeric(5, 2)": (decimal(5, 2), None, None),
    "1.5::numeric": (decimal(38, 1), D("1.5"), None),
    "null::numeric": (decimal(38, 0), None, None),
    "-1::numeric / 3": (decimal(38, 20), D("-0.33333333333333333333"), None),
    "1e60::numeric + 0.1": (decimal(76, 1), D("1" + "0" * 60 + ".1"), None),
    "1e80::numeric": ("string", "1" + "0" * 80, "numeric"),
    "'é'::text": ("string", "é", None),
    "'x'::varchar(3)": ("string", "x", None),
    "'x'::char(3)": ("string", "x  ", None),
    "'x'::name": ("string", "x", None),
    "null": ("string", None, None),
    "'0b5ec0de-0000-4000-8000-000000000000'::uuid": (
        "string",
        "0b5ec0de-0000-4000-8000-000000000000",
        "uuid",
    ),
    """'{"a":1}'::json""": ("string", '{"a":1}', "json"),
    """'{"a":1}'::jsonb""": ("string", '{"a": 1}', "jsonb"),
    "'sad'::mood": ("string", "sad", "mood"),
    "true": ("bool", True, None),
    "'\\xff00'::bytea": ("binary", b"\xff\0", None),
    "'2020-02-29'::date": ("date32[day]", dt.date(2020, 2, 29), None),
    "'23:59:59.999999'::time": ("time64[us]", dt.time(23, 59, 59, 999999), None),
    "'01:02:03+02'::timetz": ("string", "01:02:03+02", "timetz"),
    "'0001-01-01'::timestamp": (STAMP, dt.datetime(1, 1, 1), None),
    "'2020-01-01 00:00+02'::timestamptz": (ZONED, utc(2019, 12, 31, 22), None),
    "interval '1 mon -2 days 3.5s'": (INTERVAL, (1, -2, 3_500_000_000), None),
    "5::positive": ("int32", 5, None),
    "int4range(1, 5)": ("string", "[1,5)", "int4range"),
    "row(1, 'a')::pair": ("string", "(1,a)", "pair"),
    "row(1, null)": ("string", "(1,)", "record"),
    "'10.0.0.0/8'::cidr": ("string", "10.0.0.0/8", "cidr"),
    "12.5::money": ("string", "$12.50", "money"),
    "b'101'": ("string", "101", "bit"),
    "point(1, 2)": ("string", "(1,2)", "point"),
    "to_tsvector('simple', 'a b')": ("string", "'a':1 'b':2", "tsvector"),
    "array[1, null, 2]": ("list<item: int32>", [1, None, 2], None),
    "'{}'::int[]": ("list<item: int32>", [], None),
    "null::int[]": ("list<item: int32>", None, None),
    "'[5:6]={1,2}'::int[]": ("list<item: int32>", [1, 2], None),
    "array[[1, 2], [3, null]]": ("list<item: list<item: int32>>", [[1, 2], [3, None]], None),
    "array[[['a'], ['b']]]": ("list<item: list<item: list<item: string>>>", [[["a"], ["b"]]], None),
    "array[1.5, null, 20]": (f"list<item: {decimal(38, 1)}>", [D("1.5"), None, D(20)], None),
    "array['sad'::mood, null]": ("list<item: string>", ["sad", None], "mood[]"),
    "array['0b5ec0de-0000-4000-8000-000000000000'::uuid]": (
        "list<item: string>",
        ["0b5ec0de-0000-4000-8000-000000000000"],
        "uuid[]",
    ),
    "array['\\x00'::bytea]": ("list<item: binary>", [b"\0"], None),
    "array['2020-01-01'::timestamptz]": (f"list<item: {ZONED}>", [utc(2020, 1, 1)], None),
}


@pytest.fixture(scope="module")
def own_types(client):
    client.query(
        "create type mood as enum ('sad', 'glad'); create type pair as (x int, y text); create domain positive as int check (value > 0)"
    )


@pytest.mark.parametrize("sql", READ)
def test_read(own_types, job, sql):
    kind, value, origin = READ[sql]
    table = job.sql(f"select {sql} as x", raw=True)
    field = table.schema.field("x")
    assert (str(field.type), table["x"].to_pylist()) == (kind, [value])
    assert (field.metadata or {}).get(b"fal.type") == (origin.encode() if origin else None)


def test_read_of_no_rows_has_the_types(own_types, job):
    table = job.sql(
        "select 1 as i, 1.5 as n, array[1.5] as l, 'sad'::mood as m, now() as t where false"
    )
    kinds = ["int32", decimal(38, 0), f"list<item: {decimal(38, 0)}>", "string", ZONED]
    assert ([str(kind) for kind in table.schema.types], table.num_rows) == (kinds, 0)


def test_numeric_without_precision_is_as_wide_as_its_values(job):
    table = job.sql("select x from (values (1.5), (100.25), (null), (-3)) v(x)")
    assert table.schema.field("x").type == pa.decimal128(38, 2)
    assert table["x"].to_pylist() == [D("1.5"), D("100.25"), None, D(-3)]
    many = job.sql(
        "select i + case when i = 1500000 then 0.125 else 0 end as x, repeat('.', 40) as y from generate_series(1, 1500000) i"
    )
    assert many.schema.field("x").type == pa.decimal128(38, 3)
    assert many["x"][1_499_999].as_py() == D("1500000.125")


UNFIT = {
    "'NaN'::numeric": "the numeric `NaN`",
    "'NaN'::numeric(5, 2)": "the numeric `NaN`",
    "'-Infinity'::numeric": "the numeric `Infinity`",
    "'infinity'::date": "`infinity`",
    "'-infinity'::timestamp": "`infinity`",
    "array['infinity'::timestamptz]": "`infinity`",
}


@pytest.mark.parametrize("sql", UNFIT)
def test_what_arrow_has_no_value_for_is_told(job, sql):
    error = refusal(job.sql, f"select 1 as y, {sql} as x")
    assert error.code == "gateway::value"
    expected = f"The column `x` holds {UNFIT[sql]}" + error.message.partition(UNFIT[sql])[2]
    assert error.message == expected
    assert "nullif(x, " in error.help


def test_arrays_of_mixed_dimensions_are_told(job):
    assert job.sql("select x from (values (null), ('{}'::int[]), (array[[1]])) v(x)")[
        "x"
    ].to_pylist() == [None, [], [[1]]]
    error = refusal(job.sql, "select x from (values (array[1]), (array[[1]])) v(x)")
    expected = "The column `x` mixes arrays of 1 and 2 dimensions, for which Arrow has no type"
    assert error.message == expected


NUL = "the character NUL (U+0000), which PostgreSQL cannot store in text"
VALUE = "a value that PostgreSQL cannot store: "
# The column `x`, and the row and the reason in the error.
REFUSED = [
    (pa.array(["a", "b\0"]), 2, NUL),
    (pa.array([["a"], ["b\0"]]), 2, NUL),
    (pa.array([{"a": "\0"}]), 1, NUL),
    (pa.array(["\0"]).dictionary_encode(), 1, NUL),
    (
        pa.array([-(2**31)], pa.int32()).cast(pa.date32()),
        1,
        "a date or time beyond what PostgreSQL can store",
    ),
    (pa.array([-(2**63)], pa.timestamp("us")), 1, VALUE + "a time before 4713 BC"),
    (pa.array([10**13], pa.timestamp("s")), 1, VALUE + "Casting from timestamp[s]"),
    (pa.array([[10**13]], pa.list_(pa.timestamp("s"))), 1, VALUE + "Casting from timestamp[s]"),
    (pa.array([0, 1999], pa.timestamp("ns")), 2, VALUE + "Casting from timestamp[ns]"),
    (pa.array([1], pa.time64("ns")), 1, VALUE + "Casting from time64[ns]"),
    (pa.array([1], pa.duration("ns")), 1, VALUE + "Casting from duration[ns]"),
    (pa.array([(0, 0, 1)], pa.month_day_nano_interval()), 1, VALUE + "casting MonthDayNano"),
    (
        pa.array([[("k", 1), ("k", 2)]], pa.map_(pa.string(), pa.int8())),
        1,
        VALUE + "a map with the key 'k' twice",
    ),
    (pa.array([{"a": float("nan")}]), 1, VALUE + "JSON has no number nan"),
]


@pytest.mark.parametrize(("array", "row", "reason"), REFUSED)
def test_what_postgres_cannot_store_is_told_with_column_and_row(client, array, row, reason):
    error = refusal(client.write, pa.table({"id": range(len(array)), "x": array}))
    assert error.code == "gateway::value"
    assert error.message.startswith(f"The column `x` holds, in row {row}, {reason}")
