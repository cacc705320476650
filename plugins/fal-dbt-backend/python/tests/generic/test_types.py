"""The table of types over any adapter: the Arrow type written, the column stored, what is read
back.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal as D

import pyarrow as pa
import pytest
from live.job_client import GatewayError

UTC = dt.timezone.utc
NOON = dt.datetime(2020, 2, 29, 12, 30, 0, 5)
ID = "30313233-3435-3637-3839-616263646566"
UUIDS = pa.ExtensionArray.from_storage(
    pa.uuid(), pa.array([b"0123456789abcdef", None], pa.binary(16))
)

# What is written; the type and values read back from DuckDB and PostgreSQL, and from SQLite (None:
# the values as written). SQLite itself has only integers, floats, text and bytes.
WRITTEN = {
    "int8": (pa.array([-128, None, 127], pa.int8()), ("int64", None), ("int64", None)),
    "int64": (pa.array([-(2**63), None, 2**63 - 1]), ("int64", None), ("int64", None)),
    "uint32": (pa.array([2**32 - 1], pa.uint32()), ("int64", None), ("int64", None)),
    "uint64": (
        pa.array([2**64 - 1, 1], pa.uint64()),
        ("decimal128(38, 0)", [D(2**64 - 1), D(1)]),
        ("double", [float(2**64), 1.0]),
    ),
    "float32": (pa.array([1.5, None], pa.float32()), ("double", None), ("double", None)),
    "float64": (pa.array([0.1, None, float("-inf")]), ("double", None), ("double", None)),
    "bool": (pa.array([True, None, False]), ("bool", None), ("int64", [1, None, 0])),
    "all NULL": (pa.nulls(3), ("string", None), ("null", None)),
    "text": (pa.array(["é 😀 ẞ\n\t'\"%s ?", None, ""]), ("string", None), ("string", None)),
    "large text": (pa.array(["x", None], pa.large_string()), ("string", None), ("string", None)),
    "bytes": (pa.array([b"\0\xff", None, b""]), ("binary", None), ("binary", None)),
    "bytes of 4": (pa.array([b"abcd"], pa.binary(4)), ("binary", None), ("binary", None)),
    "decimal": (
        pa.array([D("1.50"), None, D("-99999999.99")], pa.decimal128(10, 2)),
        ("decimal128(38, 2)", None),
        ("double", [1.5, None, -99999999.99]),
    ),
    "wide decimal": (
        pa.array([D(10**38 - 1)], pa.decimal128(38, 0)),
        ("decimal128(38, 0)", None),
        ("double", [1e38]),
    ),
    "date": (
        pa.array([dt.date(1, 1, 1), None]),
        ("date32[day]", None),
        ("string", ["0001-01-01", None]),
    ),
    "time": (
        pa.array([dt.time(23, 59, 59, 5), None]),
        ("time64[us]", None),
        ("string", ["23:59:59.000005", None]),
    ),
    "timestamp": (
        pa.array([NOON, None], pa.timestamp("us")),
        ("timestamp[us]", None),
        ("string", ["2020-02-29 12:30:00.000005", None]),
    ),
    "nanoseconds": (
        pa.array([1577836800000001000], pa.timestamp("ns")),
        ("timestamp[us]", [dt.datetime(2020, 1, 1, 0, 0, 0, 1)]),
        ("string", ["2020-01-01 00:00:00.000001"]),
    ),
    "zoned": (
        pa.array([NOON], pa.timestamp("us", "Europe/Berlin")),
        ("timestamp[us, tz=UTC]", [NOON.replace(tzinfo=UTC)]),
        ("string", ["2020-02-29 12:30:00.000005+00:00"]),
    ),
    "list": (
        pa.array([[1, None], None, []]),
        ("string", ["[1, null]", None, "[]"]),
        ("string", ["[1, null]", None, "[]"]),
    ),
    "struct": (
        pa.array([{"a": 1, "b": [dt.date(2020, 1, 1)]}]),
        ("string", ['{"a": 1, "b": ["2020-01-01"]}']),
        ("string", ['{"a": 1, "b": ["2020-01-01"]}']),
    ),
    "map": (
        pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int8())),
        ("string", ['{"k": 1}', None]),
        ("string", ['{"k": 1}', None]),
    ),
    "dictionary": (
        pa.array(["a", None, "a"]).dictionary_encode(),
        ("string", None),
        ("string", None),
    ),
    "uuid": (UUIDS, ("string", [ID, None]), ("string", [ID, None])),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_written(client, job, case):
    array, *expected = WRITTEN[case]
    kind, values = expected[client.warehouse == "sqlite"]
    assert client.write(pa.table({"x": array}))["rows_affected"] == len(array)
    column = job.ref("scores")["x"]
    if client.warehouse == "postgres":
        # SQLite's driver reports how many digits a column has.
        kind = {"decimal": "decimal128(10, 2)", "uint64": "decimal128(20, 0)"}.get(case, kind)
    assert (str(column.type), column.to_pylist()) == (
        kind,
        array.to_pylist() if values is None else values,
    )


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
    with pytest.raises(GatewayError) as caught:
        client.write(pa.table({"took": pa.array([1], pa.duration("us"))}))
    assert (
        caught.value.message
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
        with pytest.raises(GatewayError) as caught:
            job.sql(rows("1", second), raw=True)
        assert caught.value.message == f"The column `x` holds {what}"
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
    with pytest.raises(GatewayError) as caught:
        client.write(pa.table({"at": times}))
    assert caught.value.message.startswith(
        "The column `at` holds, in row 40001, a value that the database cannot store: Casting"
    )
