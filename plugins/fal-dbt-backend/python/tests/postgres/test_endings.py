"""How sessions end, how queries are interrupted, and how much memory a stream takes."""

import contextlib
import threading

import psycopg2
import pyarrow as pa
import pytest
from live.client import job_result, until
from live.fixtures import begun
from live.job_client import GatewayError

_PATIENCE = 60


@pytest.fixture
def other_client(client, project, database):
    """A second session, which the test may kill."""
    with begun(project, "models/fal/scores.sql") as session:
        yield type(client)(session, database)


def running(client) -> int:
    """How many queries or COPYs of sessions the server is running."""
    sql = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'"
    return client.query(sql)[0][0]


def test_a_session_killed_while_it_copies_leaves_the_old_table(client, job, other_client):
    client.write(pa.table({"x": [1]}))
    writer = other_client.open()
    stream, _ = writer.begin_write(pa.schema({"x": pa.int64()}), mode="overwrite")
    batch = pa.record_batch({"x": pa.array(range(100_000))})
    copying = "select count(*) from pg_stat_progress_copy where datname = current_database() and tuples_processed > 0"
    for _ in range(1000):
        stream.write_batch(batch)
        if client.query(copying) != [(0,)]:
            break
    assert client.query(copying) == [(1,)]
    other_client.session.process.kill()
    until(lambda: running(client) == 0)
    assert job.ref("scores").to_pydict() == {"x": [1]}
    assert client.query("select relname from pg_class where relname like 'fal%'") == []


def test_a_session_killed_before_the_model_ends_leaves_the_old_table(client, job, other_client):
    client.write(pa.table({"x": [1]}))
    other_client.open().write(pa.table({"x": [2]}))
    other_client.session.process.kill()
    until(lambda: running(client) == 0)
    assert job.ref("scores").to_pydict() == {"x": [1]}


def test_a_session_killed_while_it_commits_leaves_the_old_table(
    client, job, other_client, database
):
    """A reader's lock on the old table stops the commit between its steps."""
    client.write(pa.table({"x": [1]}))
    reader = psycopg2.connect(dbname=database.name, **database.settings)
    reader.cursor().execute("select * from scores")
    writer = other_client.open()
    writer.write(pa.table({"x": [2]}))
    closed = job_result(writer.unique_id)
    other_client.session.send("job_close", job=writer.id, ok=True, result=closed)
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    until(lambda: client.query(waiting) == [(1,)])
    other_client.session.process.kill()
    reader.close()
    until(lambda: running(client) == 0)
    assert job.ref("scores").to_pydict() == {"x": [1]}
    assert client.query("select relname from pg_class where relname like 'fal%'") == []


# Steps of a write at which it is held up: a kind of statement, and whether before or after it.
STEPS = [
    ("ddl_command_start", "CREATE TABLE"),
    ("ddl_command_start", "DROP TABLE"),
    ("ddl_command_end", "DROP TABLE"),
    ("ddl_command_start", "ALTER TABLE"),
    ("ddl_command_end", "ALTER TABLE"),
]


@pytest.fixture
def held_up(database):
    """Makes dbt's sessions wait at a step until the test is over."""
    holder = psycopg2.connect(dbname=database.name, **database.settings)
    holder.cursor().execute("select pg_advisory_lock(4711)")
    holder.commit()

    def at(event: str, tag: str) -> None:
        wait = "if current_setting('application_name') = 'dbt' then perform pg_advisory_xact_lock(4711); end if"
        database.query(
            f"create function held_up() returns event_trigger language plpgsql as $$ begin {wait}; end $$"
        )
        database.query(
            f"create event trigger held_up on {event} when tag in ('{tag}') execute function held_up()"
        )

    yield at
    if not holder.closed:
        holder.close()
    database.query("drop event trigger if exists held_up; drop function if exists held_up")


@pytest.mark.parametrize(("event", "tag"), STEPS)
def test_a_session_killed_at_any_step_leaves_the_old_table(
    client, job, other_client, held_up, event, tag
):
    client.write(pa.table({"x": [1]}))
    writer = other_client.open()
    held_up(event, tag)

    def write() -> None:
        with contextlib.suppress(Exception):
            writer.write(pa.table({"x": [2]}))
            other_client.close(writer)

    thread = threading.Thread(target=write)
    thread.start()
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'advisory'"
    until(lambda: client.query(waiting) == [(1,)])
    other_client.session.process.kill()
    client.query(
        "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = 4711 and granted"
    )
    until(lambda: running(client) == 0)
    thread.join(_PATIENCE)
    assert job.ref("scores").to_pydict() == {"x": [1]}
    assert client.query("select relname from pg_class where relname like 'fal%'") == []


def test_a_query_is_cancelled(client, other_client):
    reader = other_client.open()
    errors: list[Exception] = []

    def read():
        try:
            reader.sql("select pg_sleep(600)", raw=True)
        except GatewayError as error:
            errors.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    asleep = "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
    until(lambda: client.query(asleep) == [(1,)])
    other_client.session.ask("cancel")
    thread.join(_PATIENCE)
    assert [error.message for error in errors] == ["canceling statement due to user request"]
    assert running(client) == 0


def test_a_reader_that_goes_away_ends_its_query(client, job):
    stream = job.open(
        "sql",
        sql="select repeat('x', 1000) from generate_series(1, 1000) a, generate_series(1, 100000) b",
        raw=True,
    )
    stream.read_chunk()
    stream.cancel()
    until(lambda: running(client) == 0)


def test_a_million_rows_go_through_in_bounded_memory(client, job):
    """The rows are about 400 MB each way, and one batch is 6 MB."""
    job.sql("select 1")
    before = client.session.peak_memory()
    text = pa.array([f"{n:0400}" for n in range(16_000)])
    batch = pa.record_batch(
        {"i": pa.array(range(16_000)), "t": text, "f": pa.array([0.5] * 16_000)}
    )
    writer = client.open()
    assert writer.write(pa.Table.from_batches([batch] * 63)) == 1_008_000
    client.close(writer)
    stream, rows = job.open("ref", args=["scores"]), 0
    while True:
        try:
            rows += stream.read_chunk().data.num_rows
        except StopIteration:
            break
    assert rows == 1_008_000
    assert client.session.peak_memory() - before < 200 << 20
