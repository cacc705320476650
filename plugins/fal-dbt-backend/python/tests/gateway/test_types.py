"""The table of types: the Arrow type written, the DuckDB type stored, the Arrow type read back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
from live.job_client import GatewayError

D = Decimal
ZONED = "timestamp[us, tz="
INTERVAL = "month_day_nano_interval"


def ints(kind: pa.DataType) -> pa.Array:
    bits, signed = kind.bit_width, pa.types.is_signed_integer(kind)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return pa.array([low, None, high], kind)


def uuids() -> pa.Array:
    return pa.ExtensionArray.from_storage(
        pa.uuid(), pa.array([b"0123456789abcdef", None], pa.binary(16))
    )


# The written Arrow type, DuckDB's type, the Arrow type read back (None: the same), and the values
# read back (None: the same).
WRITTEN = {
    "int8": (ints(pa.int8()), "TINYINT", None, None),
    "int16": (ints(pa.int16()), "SMALLINT", None, None),
    "int32": (ints(pa.int32()), "INTEGER", None, None),
    "int64": (ints(pa.int64()), "BIGINT", None, None),
    "uint8": (ints(pa.uint8()), "UTINYINT", None, None),
    "uint16": (ints(pa.uint16()), "USMALLINT", None, None),
    "uint32": (ints(pa.uint32()), "UINTEGER", None, None),
    "uint64": (ints(pa.uint64()), "UBIGINT", None, None),
    "float16": (pa.array([1.5, None], pa.float16()), "FLOAT", "float", None),
    "float32": (pa.array([1.5, None, float("inf")], pa.float32()), "FLOAT", None, None),
    "float64": (pa.array([0.1, None, float("-inf")]), "DOUBLE", None, None),
    "bool": (pa.array([True, None, False]), "BOOLEAN", None, None),
    "all NULL": (pa.nulls(3), "INTEGER", "int32", None),
    "string": (pa.array(["é 😀 \u202e ẞ\n\t'\"", None, "", "a\0b"]), "VARCHAR", None, None),
    "large_string": (pa.array(["x", None], pa.large_string()), "VARCHAR", "string", None),
    "string_view": (pa.array(["x" * 50, None], pa.string_view()), "VARCHAR", "string", None),
    "binary": (pa.array([b"\0\xff", None, b""]), "BLOB", None, None),
    "large_binary": (pa.array([b"x"], pa.large_binary()), "BLOB", "binary", None),
    "binary_view": (pa.array([b"x"], pa.binary_view()), "BLOB", "binary", None),
    "binary of 4": (pa.array([b"abcd"], pa.binary(4)), "BLOB", "binary", None),
    "decimal128": (
        pa.array([D("1.50"), None, D("-99999999.99")], pa.decimal128(10, 2)),
        "DECIMAL(10,2)",
        None,
        None,
    ),
    "decimal of 38": (pa.array([D(10**38 - 1)], pa.decimal128(38, 0)), "DECIMAL(38,0)", None, None),
    "decimal in hundreds": (
        pa.array([D("1200")], pa.decimal128(5, -2)),
        "DECIMAL(7,0)",
        "decimal128(7, 0)",
        None,
    ),
    "decimal256": (
        pa.array([D("1.50")], pa.decimal256(50, 2)),
        "DECIMAL(38,2)",
        "decimal128(38, 2)",
        None,
    ),
    "date32": (pa.array([dt.date(1, 1, 1), None, dt.date(9999, 12, 31)]), "DATE", None, None),
    "date64": (pa.array([dt.date(2020, 2, 29)], pa.date64()), "DATE", "date32[day]", None),
    "time32[s]": (pa.array([dt.time(1, 2, 3)], pa.time32("s")), "TIME", "time64[us]", None),
    "time32[ms]": (pa.array([dt.time(1, 2, 3, 4000)], pa.time32("ms")), "TIME", "time64[us]", None),
    "time64[us]": (
        pa.array([dt.time(23, 59, 59, 999999), None], pa.time64("us")),
        "TIME",
        None,
        None,
    ),
    "timestamp[s]": (
        pa.array([dt.datetime(2020, 1, 1), None], pa.timestamp("s")),
        "TIMESTAMP_S",
        None,
        None,
    ),
    "timestamp[ms]": (
        pa.array([dt.datetime(1969, 1, 1), None], pa.timestamp("ms")),
        "TIMESTAMP_MS",
        None,
        None,
    ),
    "timestamp[us]": (
        pa.array([dt.datetime(1, 1, 1), None], pa.timestamp("us")),
        "TIMESTAMP",
        None,
        None,
    ),
    "timestamp[ns]": (
        pa.array([1577836800000000001, None], pa.timestamp("ns")),
        "TIMESTAMP_NS",
        None,
        None,
    ),
    "zoned[s]": (
        pa.array([1577836800], pa.timestamp("s", "Europe/Berlin")),
        "TIMESTAMP WITH TIME ZONE",
        ZONED,
        None,
    ),
    "zoned[ms]": (
        pa.array([1577836800001], pa.timestamp("ms", "UTC")),
        "TIMESTAMP WITH TIME ZONE",
        ZONED,
        None,
    ),
    "zoned[us]": (
        pa.array([1, None], pa.timestamp("us", "+02:00")),
        "TIMESTAMP WITH TIME ZONE",
        ZONED,
        None,
    ),
    "duration[s]": (
        pa.array([90, None], pa.duration("s")),
        "INTERVAL",
        INTERVAL,
        [(0, 0, 90 * 10**9), None],
    ),
    "duration[us]": (pa.array([90], pa.duration("us")), "INTERVAL", INTERVAL, [(0, 0, 90_000)]),
    "duration[ns]": (pa.array([1000], pa.duration("ns")), "INTERVAL", INTERVAL, [(0, 0, 1000)]),
    "interval": (
        pa.array([(1, -2, 3000), None], pa.month_day_nano_interval()),
        "INTERVAL",
        None,
        None,
    ),
    "list": (
        pa.array([[1, None], None, []], pa.list_(pa.int64())),
        "BIGINT[]",
        "list<l: int64>",
        None,
    ),
    "large_list": (
        pa.array([["x"]], pa.large_list(pa.string())),
        "VARCHAR[]",
        "list<l: string>",
        None,
    ),
    "list of NULL": (
        pa.array([[None], []], pa.list_(pa.null())),
        "INTEGER[]",
        "list<l: int32>",
        None,
    ),
    "fixed list": (
        pa.array([[1, 2], None], pa.list_(pa.int8(), 2)),
        "TINYINT[2]",
        "fixed_size_list<: int8>[2]",
        None,
    ),
    "list of dictionaries": (
        pa.array([[], None], pa.list_(pa.dictionary(pa.int8(), pa.string()))),
        "VARCHAR[]",
        "list<l: string>",
        None,
    ),
    "list of list of dictionaries": (
        pa.array([[["a"]], [[]]], pa.list_(pa.list_(pa.dictionary(pa.int8(), pa.string())))),
        "VARCHAR[][]",
        "list<l: list<l: string>>",
        None,
    ),
    "struct of a dictionary": (
        pa.array([{"c": "a"}, None], pa.struct({"c": pa.dictionary(pa.int8(), pa.string())})),
        "STRUCT(c VARCHAR)",
        "struct<c: string>",
        None,
    ),
    "struct": (
        pa.array([{"a": 1, "b c": "x"}, None]),
        'STRUCT(a BIGINT, "b c" VARCHAR)',
        None,
        None,
    ),
    "struct with NULL": (
        pa.array([{"a": None}], pa.struct({"a": pa.null()})),
        "STRUCT(a INTEGER)",
        "struct<a: int32>",
        None,
    ),
    "map": (
        pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int32())),
        "MAP(VARCHAR, INTEGER)",
        None,
        None,
    ),
    "nested": (
        pa.array([[{"a": [1]}], None]),
        "STRUCT(a BIGINT[])[]",
        "list<l: struct<a: list<l: int64>>>",
        None,
    ),
    "dictionary": (pa.array(["a", None, "a"]).dictionary_encode(), "VARCHAR", "string", None),
    "dictionary of int": (pa.array([1, None]).dictionary_encode(), "BIGINT", "int64", None),
    "uuid": (uuids(), "UUID", "string", ["30313233-3435-3637-3839-616263646566", None]),
    "zero rows": (pa.array([], pa.decimal128(5, 1)), "DECIMAL(5,1)", None, None),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_written(client, job, case):
    array, duckdb_type, back, values = WRITTEN[case]
    assert client.write(pa.table({"x": array}))["rows_affected"] == len(array)
    assert job.sql("select column_type from (describe {{ ref('scores') }})")[0].to_pylist() == [
        duckdb_type
    ]
    column = job.ref("scores")["x"]
    if back == ZONED:
        assert str(column.type).startswith(ZONED)
    else:
        assert str(column.type) == (back or str(array.type))
    assert column.to_pylist() == (array.to_pylist() if values is None else values)


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


REFUSED = {
    "no columns": (pa.table({}), "without columns"),
    "a union": (
        pa.table(
            {
                "u": pa.UnionArray.from_dense(
                    pa.array([0], pa.int8()), pa.array([0], pa.int32()), [pa.array([1])]
                )
            }
        ),
        "dense unions",
    ),
    "too many digits": (
        pa.table({"d": pa.array([D(1), D(10**39)], pa.decimal256(76, 0))}),
        "`d` holds, in row 2, a value that DuckDB cannot store",
    ),
    "too many places": (
        pa.table({"d": pa.array([None, D("1e-40")], pa.decimal256(50, 40))}),
        "`d` holds, in row 2, a value that DuckDB cannot",
    ),
    "a key twice": (
        pa.table(
            {"d": pa.array([[("k", 1)], [("k", 1), ("k", 2)]], pa.map_(pa.string(), pa.int8()))}
        ),
        "in row 2, .*the key 'k' twice",
    ),
    "a key twice in a list": (
        pa.table(
            {"d": pa.array([[[("k", 1), ("k", 2)]]], pa.list_(pa.map_(pa.string(), pa.int8())))}
        ),
        "`d` holds, in row 1, .*the key 'k' twice",
    ),
    "no name of a field": (
        pa.table({"d": pa.array([{"": 1}])}),
        "The structs in column `d` have a field without a name",
    ),
    "infinity": (
        pa.table({"d": pa.array([0, 2**31 - 1], pa.int32()).cast(pa.date32())}),
        "`d` holds, in row 2, .*infinity to DuckDB",
    ),
    "infinite times": (
        pa.table({"d": pa.array([None, 1 - 2**63], pa.timestamp("ns"))}),
        "`d` holds, in row 2, .*infinity to DuckDB",
    ),
    "infinite times in lists": (
        pa.table({"d": pa.array([[2**63 - 1]], pa.list_(pa.timestamp("us", "UTC")))}),
        "`d` holds, in row 1",
    ),
    "nanoseconds": (
        pa.table({"d": pa.array([1], pa.duration("ns"))}),
        "`d` holds, in row 1, a value that DuckDB cannot store: Casting from duration",
    ),
    "nanoseconds of an interval": (
        pa.table({"d": pa.array([(0, 0, 1)], pa.month_day_nano_interval())}),
        "`d` holds, in row 1, a value",
    ),
}


def test_a_row_of_a_later_batch(client):
    batches = [
        pa.record_batch([pa.array([D(1)] * n, pa.decimal256(50, 0))], ["d"]) for n in (7, 200_000)
    ]
    last = pa.record_batch([pa.array([D(1), D(10**45), D(10**46)], pa.decimal256(50, 0))], ["d"])
    with pytest.raises(GatewayError) as caught:
        client.write(pa.Table.from_batches([*batches, last]))
    assert caught.value.code == "gateway::value"
    assert caught.value.message.startswith(
        "The column `d` holds, in row 200009, a value that DuckDB cannot store: "
    )
    assert "Traceback" not in caught.value.message
    assert "as text" in caught.value.help


@pytest.mark.parametrize("case", REFUSED)
def test_refused(client, case):
    client.write(pa.table({"x": [1]}))
    table, text = REFUSED[case]
    opened = client.open()
    with pytest.raises(GatewayError, match=text):
        opened.write(table)
    client.close(opened, ok=False)
    reader = client.open()
    assert reader.ref("scores").to_pydict() == {"x": [1]}
    client.close(reader, ok=False)
