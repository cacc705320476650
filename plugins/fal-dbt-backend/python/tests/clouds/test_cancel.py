"""Cancelling stops running statements, from another thread and on another connection."""

import threading

import pyarrow as pa
import pytest
from clouds.clouds import LoadJob, TrinoCursor
from clouds.world import relation
from fal_worker.errors import SessionError

_PATIENCE = 30
# The step of a write that takes long in each cloud.
LONG = {"snowflake": "copy into", "bigquery": "load into"}


@pytest.fixture
def running(cloud):
    """Starts a write that runs until `go` is set, and collects its error."""
    at_work, go, errors = threading.Event(), threading.Event(), []

    def on_step(step: str) -> None:
        if step.startswith(LONG.get(cloud.kind, "insert into")):
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
    cancelled = []
    monkeypatch.setattr(LoadJob, "cancel", lambda self: cancelled.append("job"))
    monkeypatch.setattr(TrinoCursor, "cancel", lambda self: cancelled.append("cursor"))
    (connection,) = cloud.adapter.connections.thread_connections.values()
    cloud.warehouse.cancel()
    cancelled += ["connection"] * cloud.adapter.connections.cancelled.count(connection)
    assert cancelled == [{"bigquery": "job", "trino": "cursor"}.get(cloud.kind, "connection")]
    go.set()
    thread.join(_PATIENCE)
    # The statement succeeded although it was cancelled, so the next step reports the cancellation.
    assert [error.code for error in errors] == ["gateway::cancelled"]
    assert cloud.world.tables() == []


def test_nothing_runs(cloud):
    cloud.warehouse.cancel()
    assert cloud.world.steps == []
