"""The table of types over any adapter: the Arrow type written, the column stored, what is read
back.
"""

import datetime as dt
from decimal import Decimal as D

import pyarrow as pa
import pytest
from live.arrays import UUIDS
from live.job_client import GatewayError, refusal
from pyarrow import array

UTC = dt.timezone.utc
NOON = dt.datetime(2020, 2, 29, 12, 30, 0, 5)
US = pa.timestamp("us")
ID = "30313233-3435-3637-3839-616263646566"

# What is written; the type read back from DuckDB and PostgreSQL, and that from SQLite, each with
# the values where they are others. SQLite itself has only integers, floats, text and bytes.
WRITTEN = {
    "int8": (array([-128, None, 127], pa.int8()), ["int64"], ["int64"]),
    "int64": (array([-(2**63), None, 2**63 - 1]), ["int64"], ["int64"]),
    "uint32": (array([2**32 - 1], pa.uint32()), ["int64"], ["int64"]),
    "uint64": (
        array([2**64 - 1, 1], pa.uint64()),
        ["decimal128(38, 0)", [D(2**64 - 1), D(1)]],
        ["double", [float(2**64), 1.0]],
    ),
    "float32": (array([1.5, None], pa.float32()), ["double"], ["double"]),
    "float64": (array([0.1, None, float("-inf")]), ["double"], ["double"]),
    "bool": (array([True, None, False]), ["bool"], ["int64", [1, None, 0]]),
    "all NULL": (pa.nulls(3), ["string"], ["null"]),
    "text": (array(["é 😀 ẞ\n\t'\"%s ?", None, ""]), ["string"], ["string"]),
    "large text": (array(["x", None], pa.large_string()), ["string"], ["string"]),
    "bytes": (array([b"\0\xff", None, b""]), ["binary"], ["binary"]),
    "bytes of 4": (array([b"abcd"], pa.binary(4)), ["binary"], ["binary"]),
    "decimal": (
        array([D("1.50"), None, D("-99999999.99")], pa.decimal128(10, 2)),
        ["decimal128(38, 2)"],
        ["double", [1.5, None, -99999999.99]],
    ),
    "wide decimal": (array([D(10**38 - 1)]), ["decimal128(38, 0)"], ["double", [1e38]]),
    "date": (array([dt.date(1, 1, 1), None]), ["date32[day]"], ["string", ["0001-01-01", None]]),
    "time": (
        array([dt.time(23, 59, 59, 5), None]),
        ["time64[us]"],
        ["string", ["23:59:59.000005", None]],
    ),
    "timestamp": (array([NOON, None], US), ["timestamp[us]"], ["string", [f"{NOON}", None]]),
    "nanoseconds": (
        array([1577836800000001000], pa.timestamp("ns")),
        ["timestamp[us]", [dt.datetime(2020, 1, 1, 0, 0, 0, 1)]],
        ["string", ["2020-01-01 00:00:00.000001"]],
    ),
    "zoned": (
        array([NOON], pa.timestamp("us", "Europe/Berlin")),
        ["timestamp[us, tz=UTC]", [NOON.replace(tzinfo=UTC)]],
        ["string", ["2020-02-29 12:30:00.000005+00:00"]],
    ),
    "list": (array([[1, None], None, []]), *[["string", ["[1, null]", None, "[]"]]] * 2),
    "struct": (
        array([{"a": 1, "b": [dt.date(2020, 1, 1)]}]),
        *[["string", ['{"a": 1, "b": ["2020-01-01"]}']]] * 2,
    ),
    "map": (
        array([[("k", 1)], None], pa.map_(pa.string(), pa.int8())),
        *[["string", ['{"k": 1}', None]]] * 2,
    ),
    "dictionary": (array(["a", None, "a"]).dictionary_encode(), ["string"], ["string"]),
    "uuid": (UUIDS, ["string", [ID, None]], ["string", [ID, None]]),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_written(client, job, case):
    sent, *expected = WRITTEN[case]
    kind, values = (*expected[client.warehouse == "sqlite"], None)[:2]
    assert client.write(pa.table({"x": sent}))["rows_affected"] == len(sent)
    column = job.ref("scores")["x"]
    if client.warehouse == "postgres":
        # SQLite's driver reports how many digits a column has.
        kind = {"decimal": "decimal128(10, 2)", "uint64": "decimal128(20, 0)"}.get(case, kind)
    assert str(column.type) == kind
    assert column.to_pylist() == (sent.to_pylist() if values is None else values)


# The declared types of the tables' columns.
DECLARED = {
    "sqlite": {
        "i": "bigint", "f": "REAL", "t": "TEXT", "b": "INT", "d": "numeric(10,2)", "when": "TEXT", "day": "TEXT", "raw": "BLOB",
    },
    "duckdb": {
        "i": "BIGINT", "f": "DOUBLE", "t": "VARCHAR", "b": "BOOLEAN", "d": "DECIMAL(10,2)", "when": "TIMESTAMP", "day": "DATE",
        "raw": "BLOB",
    },
    "postgres": {
        "i": "bigint", "f": "double precision", "t": "text", "b": "boolean", "d": "numeric(10,2)",
        "when": "timestamp without time zone", "day": "date", "raw": "bytea",
    },
}  # fmt: skip
COLUMNS = "select name, type from pragma_table_info('scores')"
COLUMNS_OF_POSTGRES = """select attname::text as name, format_type(atttypid, atttypmod) as type from pg_attribute
    where attrelid = 'scores'::regclass and attnum > 0"""


def test_columns_have_dbts_names_of_types(client, job):
    kinds = {
        "i": pa.int32(), "f": pa.float32(), "t": pa.string(), "b": pa.bool_(), "d": pa.decimal128(10, 2), "when": pa.timestamp("s"),
        "day": pa.date32(), "raw": pa.binary(),
    }  # fmt: skip
    client.write(pa.schema(kinds).empty_table())
    table = job.sql(COLUMNS_OF_POSTGRES if client.warehouse == "postgres" else COLUMNS, raw=True)
    assert dict(zip(*table.to_pydict().values())) == DECLARED[client.warehouse]


def test_a_duration_is_refused(client):
    error = refusal(client.write, pa.table({"took": pa.array([1], pa.duration("us"))}))
    assert (
        error.message
        == f"The column `took` has the type duration[us], for which the dbt adapter `{client.warehouse}` has none"
    )


def rows(*expressions: str) -> str:
    """SQL for a column: the first expression fills more rows than a batch has, the others follow."""
    many = "select 1 as n union all select n + 1 from t where n < 10001"
    others = "".join(
        f" union all select {10001 + i}, {each}" for i, each in enumerate(expressions[1:], 1)
    )
    return f"with recursive t as ({many}), u as (select n, {expressions[0]} as x from t{others}) select x from u order by n"


def test_a_column_is_settled_over_the_whole_result(client, job):
    """SQLite gives types to values, not to columns."""
    if client.warehouse != "sqlite":
        pytest.skip("this warehouse lets no column have two types")
    column = job.sql(rows("null", "7"), raw=True)["x"]
    assert (str(column.type), column[-1].as_py(), column.null_count) == ("int64", 7, 10001)
    column = job.sql(rows("1", "0.5"), raw=True)["x"]
    assert (str(column.type), column[0].as_py(), column[-1].as_py()) == ("double", 1.0, 0.5)
    for second, what in {
        "'a'": "integers in some rows and text in others",
        "x'00'": "integers in some rows and bytes in others",
    }.items():
        error = refusal(job.sql, rows("1", second), raw=True)
        assert error.message == f"The column `x` holds {what}"
    with pytest.raises(GatewayError, match="9007199254740993"):
        job.sql(rows("9007199254740993", "0.5"), raw=True)


def test_what_has_no_rows_has_the_types_that_the_driver_tells(client, job):
    table = job.sql("select 1 as i, 'a' as t where 1 = 0", raw=True)
    assert table.num_rows == 0
    assert table.column_names == ["i", "t"]
    assert [str(field.type) for field in table.schema] == (
        ["null", "null"] if client.warehouse == "sqlite" else ["int64", "string"]
    )


def test_nanoseconds_are_refused_with_their_row(client):
    times = pa.array([*range(0, 40_000_000, 1000), 1], pa.timestamp("ns"))
    assert refusal(client.write, pa.table({"at": times})).message.startswith(
        "The column `at` holds, in row 40001, a value that the database cannot store: Casting"
    )
