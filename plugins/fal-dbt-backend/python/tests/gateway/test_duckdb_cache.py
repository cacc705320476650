"""The memory of long streams through DuckDB.

Row groups are written in the stream's order, and cached blocks are released.
"""

import threading
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pytest
from fal_worker.warehouse.activity import ACTIVITY
from fal_worker.warehouse.duckdb import cache as duckdb_cache
from fal_worker.warehouse.duckdb.cache import row_groups
from fal_worker.warehouse.duckdb.warehouse import DuckDB

# 40 MB of random values, which DuckDB cannot compress.
SOURCE = "create table source as select random() as a, random() as b, i from range(2000000) as t(i)"


class Handle:
    """Imitates dbt-duckdb's wrapper around a connection."""

    def __init__(self, cursor):
        self._cursor = cursor

    def close(self):
        self._cursor.close()


class Relation:
    def __init__(self, name):
        self.database, self.schema, self.identifier = None, "main", name

    def without_identifier(self):
        return "main"

    def __str__(self):
        return f'main."{self.identifier}"'


class Database:
    """A database file, and the warehouse over it."""

    def __init__(self, path, **config):
        self.root = duckdb.connect(str(path), config=config)
        self.root.execute(SOURCE)
        self.root.execute("checkpoint")
        adapter = SimpleNamespace(
            connections=SimpleNamespace(env=lambda: SimpleNamespace(handle=self.handle))
        )
        self.warehouse = DuckDB(adapter)

    def handle(self):
        return Handle(self.root.cursor())

    def blocks(self):
        """The megabytes of table blocks that DuckDB caches."""
        sql = "select coalesce(sum(memory_usage_bytes), 0) from duckdb_memory() where tag = 'BASE_TABLE'"
        return self.root.execute(sql).fetchone()[0] / (1 << 20)

    def limit(self):
        return self.root.execute("select current_setting('memory_limit')").fetchone()[0]

    def copy(self, sql="select * from source"):
        """Streams a query into a table; returns the most MB of blocks added to those already
        cached.
        """
        self.root.execute("drop table if exists copied")
        before, most = self.blocks(), 0
        reading = self.warehouse.read(sql)

        def batches():
            nonlocal most
            for batch in reading.reader:
                most = max(most, self.blocks() - before)
                yield batch

        stream = pa.RecordBatchReader.from_batches(reading.reader.schema, batches())
        pending = self.warehouse.begin_write(Relation("copied"), stream)
        reading.close()
        pending.commit()
        return most


@pytest.fixture
def low(monkeypatch):
    """Lowers the limits, for small tables."""
    monkeypatch.setattr(duckdb_cache, "MOST", 16 << 20)
    monkeypatch.setattr(duckdb_cache, "KEPT", 4 << 20)


@pytest.fixture
def database(tmp_path, low):
    made = Database(tmp_path / "fresh.duckdb")
    made.root.close()
    made.root = duckdb.connect(str(tmp_path / "fresh.duckdb"))
    yield made
    made.root.close()


def test_blocks_of_a_long_stream_are_let_go_of(database):
    limit = database.limit()
    assert database.copy() < 32
    assert database.limit() == limit
    same = "select count(*), count(*) filter (s.a = c.a and s.b = c.b and s.i = c.i) from source s positional join copied c"
    assert database.root.execute(same).fetchone() == (2_000_000, 2_000_000)


def test_without_it_they_stay(database, monkeypatch):
    monkeypatch.setattr(duckdb_cache.BlockCache, "trim", lambda cache: None)
    assert database.copy() > 40


def test_a_request_under_way_keeps_the_limit_as_it_is(database):
    with ACTIVITY.running():
        assert database.copy() > 40


def test_a_reading_that_may_need_memory_keeps_the_limit_as_it_is(database):
    assert database.copy("select * from source order by a") > 40


def test_another_reading_counts_as_well(database):
    other = database.warehouse.read(
        "select i % 10 as k, count(*) as n from range(1000) t(i) group by 1"
    )
    assert database.copy() > 40
    other.close()
    assert database.copy() < 32


def test_a_limit_of_the_user_stays(database):
    database.root.execute("set memory_limit = '3GB'")
    limit = database.limit()
    assert database.copy() > 40
    assert database.limit() == limit


def test_the_limit_is_back_when_nothing_can_be_dropped(database):
    limit = database.limit()
    cache = duckdb_cache.BlockCache(database.warehouse, database.root)
    cache._drop(1)
    cache.close()
    assert database.limit() == limit
    assert database.root.execute("select count(distinct a) > 1000 from source").fetchone() == (
        True,
    )


def test_nothing_starts_while_the_limit_is_low(database):
    """Neither a new request nor a new read starts while the limit is low."""
    started = []

    def request():
        with ACTIVITY.running():
            started.append("request")

    def reading():
        database.warehouse.read("select 1").close()
        started.append("reading")

    threads = [threading.Thread(target=target) for target in (request, reading)]
    with ACTIVITY.idle() as quiet, database.warehouse.only_streams() as plain:
        assert quiet and plain
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(0.2)
        assert started == []
    for thread in threads:
        thread.join()
    assert sorted(started) == ["reading", "request"]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select * from source", True),
        ("select a + 1 as x from main.source where b > 0.5 limit 3", True),
        ("select * from seen", True),
        ("select * from counted", False),
        ("select * from source s join source t using (i)", False),
        ("select 1; select 2", False),
        ("select * from nowhere", False),
        ("not sql", False),
    ],
)
def test_what_is_a_plain_reading(sql, expected):
    with duckdb.connect() as connection:
        connection.execute("create table source as select 1 as a, 2 as b, 3 as i")
        connection.execute("create view seen as select a from source where i > 1")
        connection.execute("create view counted as select a, count(*) as n from source group by a")
        assert duckdb_cache.is_plain(connection, sql) is expected


def test_row_groups_have_the_rows_in_their_order():
    schema = pa.schema([("x", pa.int64()), ("kind", pa.dictionary(pa.int8(), pa.string()))])
    kinds = [["a", "b"], ["b", "c"]]

    def batch(start):
        kind = pa.DictionaryArray.from_arrays(
            pa.array([start % 2] * 5000, pa.int8()), kinds[start % 2]
        )
        return pa.record_batch([pa.array(range(start * 5000, start * 5000 + 5000)), kind], schema)

    calls = []
    source = pa.RecordBatchReader.from_batches(schema, (batch(start) for start in range(60)))
    groups = list(row_groups(source, lambda: calls.append(None)))
    assert [group.num_rows for group in groups] == [125_000, 125_000, 50_000]
    assert len(calls) == 3
    joined = pa.Table.from_batches(groups)
    assert joined["x"].to_pylist() == list(range(300_000))
    assert joined["kind"].to_pylist()[::5000] == [
        kinds[start % 2][start % 2] for start in range(60)
    ]


def test_few_wide_rows_make_a_group_and_empty_streams_none():
    wide = [pa.record_batch({"x": ["y" * (1 << 20)] * 20}) for _ in range(4)]
    groups = row_groups(pa.RecordBatchReader.from_batches(wide[0].schema, wide), lambda: None)
    assert [group.num_rows for group in groups] == [40, 40]
    empty = pa.RecordBatchReader.from_batches(wide[0].schema, [])
    assert list(row_groups(empty, lambda: None)) == []


def test_an_error_in_the_stream_is_its_own():
    def batches():
        yield pa.record_batch({"x": [1]})
        raise ValueError("broke off")

    reader = pa.RecordBatchReader.from_batches(pa.schema([("x", pa.int64())]), batches())
    with pytest.raises(ValueError, match="broke off"):
        list(row_groups(reader, lambda: None))
