"""An interrupted run reaches what runs, from another thread and on another connection."""

from __future__ import annotations

import threading

import pyarrow as pa
import pytest
from clouds.clouds import LoadJob, TrinoCursor
from clouds.world import relation
from fal_worker.errors import SessionError

_PATIENCE = 30
# The step at which a write is at work for long.
LONG = {
    "snowflake": "copy into",
    "bigquery": "load into",
    "databricks": "insert into",
    "redshift": "insert into",
    "trino": "insert into",
}


@pytest.fixture
def running(cloud):
    """A write that is at work until `go` is set; its error when it has ended."""
    at_work, go, errors = threading.Event(), threading.Event(), []

    def on_step(told: str) -> None:
        if told.startswith(LONG[cloud.kind]):
            at_work.set()
            assert go.wait(_PATIENCE)

    def write() -> None:
        try:
            cloud.warehouse.begin_write(relation(), pa.table({"x": [1]}).to_reader()).commit()
        except SessionError as error:
            errors.append(error)

    cloud.world.on_step = on_step
    thread = threading.Thread(target=write)
    thread.start()
    assert at_work.wait(_PATIENCE)
    yield cloud, go, thread, errors
    go.set()
    thread.join(_PATIENCE)


def test_what_runs_is_interrupted(running, monkeypatch):
    cloud, go, thread, errors = running
    told = []
    monkeypatch.setattr(LoadJob, "cancel", lambda self: told.append("job"))
    monkeypatch.setattr(TrinoCursor, "cancel", lambda self: told.append("cursor"))
    (connection,) = cloud.adapter.connections.thread_connections.values()
    cloud.warehouse.cancel()
    told += ["connection"] * cloud.adapter.connections.cancelled.count(connection)
    assert told == [{"bigquery": "job", "trino": "cursor"}.get(cloud.kind, "connection")]
    go.set()
    thread.join(_PATIENCE)
    # The statement ended well in spite of it, so it is what comes next that tells.
    assert [error.code for error in errors] == ["gateway::cancelled"]
    assert cloud.world.tables() == []


def test_nothing_runs(cloud):
    cloud.warehouse.cancel()
    assert cloud.world.steps == []
