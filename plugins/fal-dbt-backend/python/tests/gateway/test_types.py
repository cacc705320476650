"""The table of types: the Arrow type written, the DuckDB type stored, the Arrow type read back."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
from live.arrays import UUIDS, integers
from live.job_client import GatewayError, refusal
from pyarrow import array

D = Decimal
ZONED = "timestamp[us, tz="
INTERVAL = "month_day_nano_interval"


DATE, TIME, ZONED_TIME = "DATE", "TIME", "TIMESTAMP WITH TIME ZONE"
WORDS = pa.dictionary(pa.int8(), pa.string())


# The written array and DuckDB's type; where they differ, the Arrow type and the values read back.
WRITTEN = {
    "int8": (integers(pa.int8()), "TINYINT"),
    "int16": (integers(pa.int16()), "SMALLINT"),
    "int32": (integers(pa.int32()), "INTEGER"),
    "int64": (integers(pa.int64()), "BIGINT"),
    "uint8": (integers(pa.uint8()), "UTINYINT"),
    "uint16": (integers(pa.uint16()), "USMALLINT"),
    "uint32": (integers(pa.uint32()), "UINTEGER"),
    "uint64": (integers(pa.uint64()), "UBIGINT"),
    "float16": (array([1.5, None], pa.float16()), "FLOAT", "float"),
    "float32": (array([1.5, None, float("inf")], pa.float32()), "FLOAT"),
    "float64": (array([0.1, None, float("-inf")]), "DOUBLE"),
    "bool": (array([True, None, False]), "BOOLEAN"),
    "all NULL": (pa.nulls(3), "INTEGER", "int32"),
    "string": (array(["é 😀 \u202e ẞ\n\t'\"", None, "", "a\0b"]), "VARCHAR"),
    "large_string": (array(["x", None], pa.large_string()), "VARCHAR", "string"),
    "string_view": (array(["x" * 50, None], pa.string_view()), "VARCHAR", "string"),
    "binary": (array([b"\0\xff", None, b""]), "BLOB"),
    "large_binary": (array([b"x"], pa.large_binary()), "BLOB", "binary"),
    "binary_view": (array([b"x"], pa.binary_view()), "BLOB", "binary"),
    "binary of 4": (array([b"abcd"], pa.binary(4)), "BLOB", "binary"),
    "decimal128": (array([D("1.50"), None, D("-99999999.99")], pa.decimal128(10, 2)),
        "DECIMAL(10,2)"),
    "decimal of 38": (array([D(10**38 - 1)], pa.decimal128(38, 0)), "DECIMAL(38,0)"),
    "decimal in hundreds": (array([D("1200")], pa.decimal128(5, -2)), "DECIMAL(7,0)",
        "decimal128(7, 0)"),
    "decimal256": (array([D("1.50")], pa.decimal256(50, 2)), "DECIMAL(38,2)", "decimal128(38, 2)"),
    "date32": (array([dt.date(1, 1, 1), None, dt.date(9999, 12, 31)]), DATE),
    "date64": (array([dt.date(2020, 2, 29)], pa.date64()), DATE, "date32[day]"),
    "time32[s]": (array([dt.time(1, 2, 3)], pa.time32("s")), TIME, "time64[us]"),
    "time32[ms]": (array([dt.time(1, 2, 3, 4000)], pa.time32("ms")), TIME, "time64[us]"),
    "time64[us]": (array([dt.time(23, 59, 59, 999999), None], pa.time64("us")), TIME),
    "timestamp[s]": (array([dt.datetime(2020, 1, 1), None], pa.timestamp("s")), "TIMESTAMP_S"),
    "timestamp[ms]": (array([dt.datetime(1969, 1, 1), None], pa.timestamp("ms")), "TIMESTAMP_MS"),
    "timestamp[us]": (array([dt.datetime(1, 1, 1), None], pa.timestamp("us")), "TIMESTAMP"),
    "timestamp[ns]": (array([1577836800000000001, None], pa.timestamp("ns")), "TIMESTAMP_NS"),
    "zoned[s]": (array([1577836800], pa.timestamp("s", "Europe/Berlin")), ZONED_TIME, ZONED),
    "zoned[ms]": (array([1577836800001], pa.timestamp("ms", "UTC")), ZONED_TIME, ZONED),
    "zoned[us]": (array([1, None], pa.timestamp("us", "+02:00")), ZONED_TIME, ZONED),
    "duration[s]": (array([90, None], pa.duration("s")), "INTERVAL", INTERVAL,
        [(0, 0, 90 * 10**9), None]),
    "duration[us]": (array([90], pa.duration("us")), "INTERVAL", INTERVAL, [(0, 0, 90_000)]),
    "duration[ns]": (array([1000], pa.duration("ns")), "INTERVAL", INTERVAL, [(0, 0, 1000)]),
    "interval": (array([(1, -2, 3000), None], pa.month_day_nano_interval()), "INTERVAL"),
    "list": (array([[1, None], None, []], pa.list_(pa.int64())), "BIGINT[]", "list<l: int64>"),
    "large_list": (array([["x"]], pa.large_list(pa.string())), "VARCHAR[]", "list<l: string>"),
    "list of NULL": (array([[None], []], pa.list_(pa.null())), "INTEGER[]", "list<l: int32>"),
    "fixed list": (array([[1, 2], None], pa.list_(pa.int8(), 2)), "TINYINT[2]",
        "fixed_size_list<: int8>[2]"),
    "list of dictionaries": (array([[], None], pa.list_(WORDS)), "VARCHAR[]", "list<l: string>"),
    "list of list of dictionaries": (array([[["a"]], [[]]], pa.list_(pa.list_(WORDS))),
        "VARCHAR[][]", "list<l: list<l: string>>"),
    "struct of a dictionary": (array([{"c": "a"}, None], pa.struct({"c": WORDS})),
        "STRUCT(c VARCHAR)", "struct<c: string>"),
    "struct": (array([{"a": 1, "b c": "x"}, None]), 'STRUCT(a BIGINT, "b c" VARCHAR)'),
    "struct with NULL": (array([{"a": None}], pa.struct({"a": pa.null()})), "STRUCT(a INTEGER)",
        "struct<a: int32>"),
    "map": (array([[("k", 1)], None], pa.map_(pa.string(), pa.int32())), "MAP(VARCHAR, INTEGER)"),
    "nested": (array([[{"a": [1]}], None]), "STRUCT(a BIGINT[])[]",
        "list<l: struct<a: list<l: int64>>>"),
    "dictionary": (array(["a", None, "a"]).dictionary_encode(), "VARCHAR", "string"),
    "dictionary of int": (array([1, None]).dictionary_encode(), "BIGINT", "int64"),
    "uuid": (UUIDS, "UUID", "string", ["30313233-3435-3637-3839-616263646566", None]),
    "zero rows": (array([], pa.decimal128(5, 1)), "DECIMAL(5,1)"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRITTEN)
def test_written(client, job, case):
    sent, stored, back, values = (*WRITTEN[case], None, None)[:4]
    assert client.write(pa.table({"x": sent}))["rows_affected"] == len(sent)
    types = job.sql("select column_type from (describe {{ ref('scores') }})")[0].to_pylist()
    assert types == [stored]
    column = job.ref("scores")["x"]
    if back == ZONED:
        assert str(column.type).startswith(ZONED)
    else:
        assert str(column.type) == (back or str(sent.type))
    assert column.to_pylist() == (sent.to_pylist() if values is None else values)


HUGE = "decimal128(38, 0)"
# DuckDB's expression, the Arrow type read, the value.
READ = {
    "sum(x) from (values (1), (2)) t(x)": (HUGE, D(3)),
    "99999999999999999999999999999999999999::hugeint": (HUGE, D(10**38 - 1)),
    "7::uhugeint": (HUGE, D(7)),
    "[1::hugeint, null]": ("list<l: decimal128(38, 0)>", [D(1), None]),
    "{'a b': 1::hugeint, 'c': 2::int}": (
        "struct<a b: decimal128(38, 0), c: int32>",
        {"a b": D(1), "c": 2},
    ),
    "'b'::enum('a', 'b')": ("dictionary<values=string, indices=uint8, ordered=0>", "b"),
    "'10110'::bit": ("string", "10110"),
    "'12:00:00+02'::timetz": ("string", "12:00:00+02"),
    "'{\"a\": 1}'::json": ("string", '{"a": 1}'),
    "'00000000-0000-0000-0000-000000000001'::uuid": (
        "string",
        "00000000-0000-0000-0000-000000000001",
    ),
    "null": ("null", None),
    "date '2020-01-01'": ("date32[day]", dt.date(2020, 1, 1)),
    "interval '1 month 2 days'": (INTERVAL, (1, 2, 0)),
}


@pytest.mark.parametrize("expression", READ)
def test_read(job, expression):
    kind, value = READ[expression]
    column = job.sql(f"select {expression if ' from ' in expression else expression + ' as x'}")[0]
    assert (str(column.type), column.to_pylist()) == (kind, [value])


def test_a_huge_integer_says_what_it_was(job):
    table = job.sql("select 1::hugeint as h, 1::decimal(38, 0) as d")
    assert table.schema.field("h").metadata == {b"fal.type": b"HUGEINT"}
    assert table.schema.field("d").metadata is None


def test_a_huge_integer_of_39_digits_is_an_error_not_another_number(job):
    with pytest.raises(Exception, match="The column `x` holds an integer of more than 38 digits"):
        job.sql("select 340282366920938463463374607431768211455::uhugeint as x")


MAP = pa.map_(pa.string(), pa.int8())
TWICE = [("k", 1), ("k", 2)]
UNION = pa.UnionArray.from_dense(array([0], pa.int8()), array([0], pa.int32()), [array([1])])
# The column `d`, and a pattern of the message.
REFUSED = {
    "a union": (UNION, "dense unions"),
    "too many digits": (array([D(1), D(10**39)], pa.decimal256(76, 0)),
        "in row 2, a value that DuckDB cannot store"),
    "too many places": (array([None, D("1e-40")], pa.decimal256(50, 40)),
        "in row 2, a value that DuckDB cannot"),
    "a key twice": (array([TWICE[:1], TWICE], MAP), "in row 2, .*the key 'k' twice"),
    "a key twice in a list": (array([[TWICE]], pa.list_(MAP)), "in row 1, .*the key 'k' twice"),
    "infinity": (array([0, 2**31 - 1], pa.int32()).cast(pa.date32()),
        "in row 2, .*infinity to DuckDB"),
    "infinite times": (array([None, 1 - 2**63], pa.timestamp("ns")),
        "in row 2, .*infinity to DuckDB"),
    "infinite times in lists": (array([[2**63 - 1]], pa.list_(pa.timestamp("us", "UTC"))),
        "in row 1"),
    "nanoseconds": (array([1], pa.duration("ns")),
        "in row 1, a value that DuckDB cannot store: Casting from duration"),
    "nanoseconds of an interval": (array([(0, 0, 1)], pa.month_day_nano_interval()),
        "in row 1, a value"),
}  # fmt: skip


def test_a_row_of_a_later_batch(client):
    batches = [
        pa.record_batch([pa.array([D(1)] * n, pa.decimal256(50, 0))], ["d"]) for n in (7, 200_000)
    ]
    last = pa.record_batch([pa.array([D(1), D(10**45), D(10**46)], pa.decimal256(50, 0))], ["d"])
    error = refusal(client.write, pa.Table.from_batches([*batches, last]))
    assert error.code == "gateway::value"
    assert error.message.startswith(
        "The column `d` holds, in row 200009, a value that DuckDB cannot store: "
    )
    assert "Traceback" not in error.message
    assert "as text" in error.help


@pytest.mark.parametrize(
    ("table", "text"),
    [
        pytest.param(pa.table({}), "without columns", id="no columns"),
        pytest.param(
            pa.table({"d": array([{"": 1}])}),
            "The structs in column `d` have a field without a name",
            id="no name of a field",
        ),
        *(
            pytest.param(
                pa.table({"d": d}), text if name == "a union" else f"`d` holds, {text}", id=name
            )
            for name, (d, text) in REFUSED.items()
        ),
    ],
)
def test_refused(client, table, text):
    client.write(pa.table({"x": [1]}))
    with pytest.raises(GatewayError, match=text):
        client.write(table)
    reader = client.open()
    assert reader.ref("scores").to_pydict() == {"x": [1]}
    client.close(reader, ok=False)
