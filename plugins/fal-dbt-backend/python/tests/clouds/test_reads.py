"""The rows of each client, as one stream whose column types don't change."""

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import pyarrow as pa
import pytest
from clouds.clouds import DatabricksCursor, SnowflakeCursor
from live.job_client import refusal

MANY = 25_000


def read(cloud, sql: str = "select 1") -> pa.Table:
    reading = cloud.warehouse.read(sql)
    try:
        return reading.reader.read_all()
    finally:
        reading.close()


def meta(name: str, kind: str, precision=None, scale=None) -> SimpleNamespace:
    return SimpleNamespace(name=name, type_code=kind, precision=precision, scale=scale)


@pytest.fixture
def snowflake(open_cloud):
    """A client that answers every statement with the same result."""

    def answering(description, *batches):
        cloud = open_cloud("snowflake")
        cursor = SnowflakeCursor(cloud.world, description, batches)
        cloud.adapter.add_query = lambda sql, **_: (None, cursor)
        cloud.adapter.connections.data_type_code_to_name = lambda code: code
        return cloud

    return answering


def test_snowflake_settles_numbers_behind_the_last_batch(snowflake):
    small = pa.table(
        {"I": pa.array([1], pa.int8()), "N": pa.array([Decimal("1.50")], pa.decimal128(10, 2))}
    )
    large = pa.table(
        {
            "I": pa.array([Decimal(10**20)], pa.decimal128(38, 0)),
            "N": pa.array([None], pa.decimal128(10, 2)),
        }
    )
    description = [meta("I", "FIXED", 38, 0), meta("N", "FIXED", 10, 2)]
    got = read(snowflake(description, small, small))
    assert (got.schema.types, got["I"].to_pylist()) == ([pa.int64(), pa.decimal128(38, 2)], [1, 1])
    got = read(snowflake(description, small, large))
    assert got.schema.types == [pa.decimal128(38, 0), pa.decimal128(38, 2)]
    assert got["I"].to_pylist() == [Decimal(1), Decimal(10**20)]


def test_snowflake_without_rows_and_without_a_result(snowflake):
    expected = [pa.timestamp("us", "UTC"), pa.null()]
    assert read(snowflake([meta("A", "TIMESTAMP_TZ"), meta("B", "MAP")])).schema.types == expected
    assert read(snowflake(None)).schema.names == []


def test_one_name_twice(snowflake):
    got = read(
        snowflake(
            [meta("A", "TEXT"), meta("A", "REAL")], pa.table([["x"], [1.0]], names=["A", "A"])
        )
    )
    assert got.schema.names == ["A", "A"]
    assert got.column(0).to_pylist() == ["x"]
    assert got.column(1).to_pylist() == [1.0]


@pytest.fixture
def bigquery(open_cloud):
    def answering(rows):
        cloud = open_cloud("bigquery")
        cloud.adapter.connections.raw_execute = lambda sql: (None, rows)
        return cloud

    return answering


class Rows:
    """Imitates `google.cloud.bigquery.table.RowIterator`."""

    def __init__(self, schema, batches, refuses=False) -> None:
        self.schema, self._batches, self.refuses, self.asked = schema, batches, refuses, []

    def to_arrow_iterable(self, bqstorage_client=None):
        from google.api_core.exceptions import Forbidden

        self.asked.append(bqstorage_client)
        if self.refuses and bqstorage_client is not None:
            raise Forbidden("no bigquery.readsessions.create")
        yield from self._batches


def field(name: str, kind: str, mode="NULLABLE", fields=()):
    from google.cloud.bigquery import SchemaField

    return SchemaField(name, kind, mode=mode, fields=fields)


def test_bigquery_types(bigquery):
    schema = [field("i", "INTEGER"), field("n", "NUMERIC"), field("ts", "TIMESTAMP"), field("l", "STRING", "REPEATED"),
              field("r", "RECORD", fields=[field("a", "DATETIME")])]  # fmt: skip
    nested = [pa.list_(pa.string()), pa.struct([("a", pa.timestamp("us"))])]
    types = [pa.int64(), pa.decimal128(38, 9), pa.timestamp("us", "UTC"), *nested]
    batch = pa.RecordBatch.from_arrays(
        [pa.nulls(1, type) for type in types], names=["i", "n", "ts", "l", "r"]
    )
    got = read(bigquery(Rows(schema, [batch, batch])))
    assert (got.schema.types, got.num_rows) == (types, 2)
    for empty in ([], [pa.RecordBatch.from_arrays([], names=[])]):
        assert read(bigquery(Rows(schema, empty))).schema.types == types
    assert read(bigquery(Rows([], []))).schema.names == []


def test_bigquery_without_the_right_to_the_storage_api(bigquery, monkeypatch):
    from clouds import clouds

    closed = []
    storage = SimpleNamespace(transport=SimpleNamespace(close=lambda: closed.append(True)))
    monkeypatch.setattr(clouds.BigQueryClient, "_ensure_bqstorage_client", lambda self: storage)
    batch = pa.RecordBatch.from_arrays([pa.array([1])], names=["i"])
    rows = Rows([field("i", "INT64")], [batch], refuses=True)
    assert read(bigquery(rows)).to_pydict() == {"i": [1]}
    assert (rows.asked, closed) == ([storage, None], [True])


def test_databricks(open_cloud):
    table = pa.table({
        "i": pa.array(range(250_000), pa.int32()),
        "ts": pa.array([0] * 250_000, pa.timestamp("us", "Europe/Berlin")),
        "st": pa.array([{"a": [1]}] * 250_000),
    })  # fmt: skip
    for part in (table, table.slice(0, 0)):
        cloud = open_cloud("databricks")
        cursor = SimpleNamespace(
            description=[("i",), ("ts",), ("st",)],
            _cursor=DatabricksCursor(cloud.world, table=part),
        )
        cloud.adapter.add_query = lambda sql, cursor=cursor, **_: (None, cursor)
        got = read(cloud)
        assert (got.schema.types, got.num_rows) == (
            [pa.int32(), pa.timestamp("us", "UTC"), table.schema.field("st").type],
            part.num_rows,
        )
    described = SimpleNamespace(
        description=[("i", "bigint"), ("s", "string"), ("a", "array")],
        _cursor=DatabricksCursor(cloud.world, table=pa.table({})),
    )
    cloud.adapter.add_query = lambda sql, **_: (None, described)
    assert read(cloud).schema.types == [pa.int64(), pa.string(), pa.null()]
    cloud.adapter.add_query = lambda sql, **_: (None, SimpleNamespace(description=None))
    assert read(cloud, "drop table x").schema.names == []


def test_redshift_fetches_pages(open_cloud):
    cloud = open_cloud("redshift")
    sql = f"-- all\n(select i, i::decimal(20, 2) as n from range({MANY}) t(i))"
    got = read(cloud, sql + ";")
    assert got.num_rows == MANY
    assert got["i"][MANY - 1].as_py() == MANY - 1
    assert got.schema.types == [pa.int64(), pa.decimal128(38, 2)]
    assert cloud.world.steps == ["begin", sql, *["fetch forward 1000 from fal_rows"] * 26, "commit"]


def test_redshift_runs_as_it_is_what_no_cursor_takes(open_cloud):
    cloud = open_cloud("redshift")
    cloud.world.fail_at = 2
    cloud.adapter.connections.data_type_code_to_name = lambda code: "INTEGER"
    assert read(cloud, "select 1 as x").to_pydict() == {"x": [1]}
    assert cloud.world.steps == ["begin", "select 1 as x", "select 1 as x"]
    cloud.world.steps, cloud.world.fail_at = [], None
    read(cloud, "create table t as select 1 as x")
    assert cloud.world.steps == ["create table t as select 1 as x"]
    assert refusal(read, cloud, "select nothing").code == "gateway::database"


def test_trino_gives_all_pages(open_cloud):
    cloud = open_cloud("trino")
    got = read(cloud, f"select i, 'x' as s from range({MANY}) t(i);")
    assert (got.num_rows, got.schema.types) == (MANY, [pa.int64(), pa.string()])
    assert read(cloud, "  ;").schema.names == []


def test_values_of_trino(open_cloud):
    cloud = open_cloud("trino")
    got = read(
        cloud,
        "select [1, 2] as l, {'a': 1} as r, 1.5::decimal(4, 2) as n, timestamptz '2024-01-01 00:00:00+02' as z",
    ).to_pydict()
    assert got == {
        "l": ["[1, 2]"],
        "r": ['{"a": 1}'],
        "n": [Decimal("1.50")],
        "z": [dt.datetime(2023, 12, 31, 22, tzinfo=dt.timezone.utc)],
    }


def test_a_failing_query(cloud):
    if cloud.kind in ("snowflake", "bigquery", "databricks"):
        run, cloud.world.fail_at = "select 1", 1
    else:
        run = "select nothing"
    assert refusal(cloud.warehouse.read, run).code == "gateway::database"
    assert cloud.adapter.connections.thread_connections == {}
