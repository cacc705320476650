"""How sessions end, how queries are interrupted, many threads, and the memory of a stream."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from generic.conftest import STUBS
from live.client import Client
from live.fixtures import begun
from live.job_client import GatewayError

_PATIENCE = 60
ENDLESS = "with recursive t as (select 1 as n union all select n + 1 from t) select count(*) from t"


@pytest.fixture
def other_client(project, client):
    """A second session that may be killed. DuckDB lets only one process open its file."""
    if client.warehouse == "duckdb":
        pytest.skip("DuckDB's file is open already")
    with begun(project, *STUBS) as session:
        yield Client(session, client.warehouse)


def test_a_session_killed_before_the_model_ends_leaves_the_old_table(client, job, other_client):
    client.write(pa.table({"x": [1]}))
    other_client.open().write(pa.table({"x": [2]}))
    other_client.session.process.kill()
    assert other_client.session.eof.wait(_PATIENCE)
    assert job.ref("scores").to_pydict() == {"x": [1]}
    client.write(pa.table({"x": [3]}))
    assert job.ref("scores").to_pydict() == {"x": [3]}


def test_a_query_is_cancelled(client, other_client):
    reader, errors = other_client.open(), []

    def read():
        try:
            reader.sql(ENDLESS, raw=True)
        except GatewayError as error:
            errors.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    end = time.monotonic() + _PATIENCE
    while thread.is_alive() and time.monotonic() < end:
        # Cancel repeatedly, since the query may not have started yet.
        other_client.session.ask("cancel")
        thread.join(0.1)
    assert [error.code for error in errors] == ["gateway::cancelled"]


def test_many_jobs_read_and_write_at_once(client):
    """There are more jobs than dbt has threads."""

    def work(number):
        job = client.open("model.shop.scores" if number % 2 else "model.shop.other")
        rows = job.ref("orders").num_rows
        if number < 2:
            job.write(pa.table({"x": range(20_000)}))
        return rows, client.close(job, ok=number < 2)["status"]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(work, range(16)))
    assert [rows for rows, _ in answers] == [3] * 16
    assert [status for _, status in answers] == ["success"] * 2 + ["error"] * 14


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured by Linux")
def test_a_large_result_goes_through_in_bounded_memory(client, job):
    """The result has about 200 MB, and one of its batches 4 MB."""
    if client.warehouse != "sqlite":
        pytest.skip("this driver keeps the whole result in memory")
    job.sql("select 1")
    before = client.session.peak_memory()
    text = f"'{'x' * 400}' || n"
    sql = f"with recursive t as (select 1 as n union all select n + 1 from t where n < 500000) select n, {text} as t from t"
    stream, rows = job.open("sql", sql=sql, raw=True), 0
    while True:
        try:
            rows += stream.read_chunk().data.num_rows
        except StopIteration:
            break
    assert rows == 500_000
    assert client.session.peak_memory() - before < 120 << 20
