"""Makes the package and the fixtures of `live` importable, and keeps one session for all tests of this folder."""

import itertools
import sys
from pathlib import Path

import pytest

_TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(_TESTS), str(_TESTS.parent)]

from live.fixtures import make_project, open_session, project, sessions, stub  # noqa: E402, F401
from live.job_client import JobClient  # noqa: E402

SCORES = "model.shop.scores"
FILES = {
    "models/off.sql": "{{ config(enabled=false) }} select 1 as x",
    "models/unrelated.sql": "select 1 as x",
    "models/not_selected.sql": "select 1 as x",
    "models/fal/scores.sql": stub(
        "ref('orders')", "ref('shared')", "ref('elsewhere')", "source('files', 'people')"
    ),
    "models/fal/elsewhere.sql": stub("ref('orders')", config=", schema='other', alias='renamed'"),
    "models/after.sql": "select * from {{ ref('elsewhere') }}",
    "models/v.yml": "models:\n  - name: dim\n    latest_version: 1\n    versions: [{v: 1}, {v: 2}]\n",
    "models/dim_v1.sql": "select 1 as v",
    "models/dim_v2.sql": "select 2 as v",
    "models/sources.yml": "sources:\n  - name: files\n    schema: main\n    tables: [{name: people, identifier: raw_orders}]\n",
}


class Desk:
    """Opens jobs in a session that has begun."""

    def __init__(self, session):
        self.session, self._count = session, itertools.count()

    def open(self, unique_id=SCORES):
        id = f"j{next(self._count)}"
        self.session.ask("job_open", job=id, token="secret-" + id, unique_id=unique_id)
        client = JobClient(self.session.location, "secret-" + id)
        client.id, client.unique_id = id, unique_id
        return client

    def close(self, job, ok=True):
        result = {
            "unique_id": job.unique_id,
            "status": "success" if ok else "error",
            "execution_time": 0.0,
        }
        return self.session.ask("job_close", job=job.id, ok=ok, result=result)

    def write(self, table, unique_id=SCORES):
        """One whole job that writes this; gives its recorded result."""
        job = self.open(unique_id)
        job.write(table)
        return self.close(job)


@pytest.fixture(scope="package")
def desk(tmp_path_factory):
    root = make_project(tmp_path_factory.mktemp("gateway") / "project", FILES)
    with sessions(root) as start:
        session = start()
        session.load("models/fal/scores.sql", "models/fal/elsewhere.sql")
        selected = [uid for uid in session.runnable() if not uid.endswith("not_selected")]
        session.ask("begin", selected=selected)
        session.run("seed.shop.raw_orders")
        session.run("model.shop.orders")
        yield Desk(session)


@pytest.fixture
def job(desk):
    """An open job of `scores`, rolled back at the end."""
    opened = desk.open()
    yield opened
    desk.close(opened, ok=False)
