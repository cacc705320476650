"""The generic path over each adapter that is installed: SQLite, which has no native path, and DuckDB and PostgreSQL, which would.

dbt-sqlite wants another dbt-adapters than dbt-postgres, so it is tested where it is installed: `pip install dbt-sqlite`.
"""

from __future__ import annotations

import itertools
import json
import os
from importlib.util import find_spec

import pytest
from live.fixtures import make_project, sessions, stub
from live.job_client import JobClient

if find_spec("psycopg2") is not None:
    from postgres.conftest import Database, server  # noqa: F401

SCORES = "model.shop.scores"
GRANTED = "model.shop.granted"
FILES = {
    "models/schema.yml": "models: []\n",
    "models/fal/scores.sql": stub("ref('orders')", "source('raw', 'people')"),
    "models/fal/other.sql": stub("ref('orders')", "ref('scores')"),
    "models/fal/granted.sql": stub("ref('orders')", config=", grants={'select': ['nobody']}"),
    "models/returned.py": "def model(dbt, session):\n    dbt.config(materialized='incremental')\n"
    "    rows = dbt.ref('orders')\n    return rows.slice(0, 1) if dbt.is_incremental else rows\n",
    "models/sources.yml": "sources:\n  - name: raw\n    schema: main\n    tables: [{name: people, identifier: raw_orders}]\n",
}
PROFILES = {
    "sqlite": {
        "database": "database",
        "schema": "main",
        "schemas_and_paths": {"main": "shop.db"},
        "schema_directory": ".",
        "threads": 4,
    },
    "duckdb": {"path": "shop.duckdb", "threads": 4},
}


def profile(request, adapter: str) -> str:
    if adapter == "postgres":
        return Database(request.getfixturevalue("server")).profile(
            schema="main", search_path="main"
        )
    output = {"type": adapter, **PROFILES[adapter]}
    return f"shop: {{target: dev, outputs: {{dev: {json.dumps(output)}}}}}"


class Desk:
    """Opens jobs in a session that has begun."""

    def __init__(self, session, adapter: str) -> None:
        self.session, self.adapter, self._count = session, adapter, itertools.count()

    def open(self, unique_id: str = SCORES, **more: object) -> JobClient:
        id = f"j{next(self._count)}"
        self.session.ask("job_open", job=id, token="secret-" + id, unique_id=unique_id, **more)
        client = JobClient(self.session.location, "secret-" + id)
        client.id, client.unique_id = id, unique_id
        return client

    def close(self, job, ok: bool = True) -> dict:
        result = {
            "unique_id": job.unique_id,
            "status": "success" if ok else "error",
            "execution_time": 0.0,
        }
        return self.session.ask("job_close", job=job.id, ok=ok, result=result)

    def write(self, table, unique_id: str = SCORES) -> dict:
        """One whole job that writes this; gives its recorded result."""
        job = self.open(unique_id)
        try:
            job.write(table)
        except BaseException:
            self.close(job, ok=False)
            raise
        return self.close(job)


@pytest.fixture(scope="module", params=[*sorted(PROFILES), "postgres"])
def project(request, tmp_path_factory):
    adapter = request.param
    if find_spec(f"dbt.adapters.{adapter}") is None:
        pytest.skip(f"dbt-{adapter} is not installed here")
    files = {**FILES, "profiles.yml": profile(request, adapter)}
    root = make_project(tmp_path_factory.mktemp(adapter) / "project", files)
    (root / "adapter").write_text(adapter)
    os.environ["FAL_TEST_GENERIC"] = "1"
    yield root
    del os.environ["FAL_TEST_GENERIC"]


def begun(project, start) -> Desk:
    session = start()
    session.load("models/fal/scores.sql", "models/fal/other.sql", "models/fal/granted.sql")
    session.ask("begin", selected=session.runnable())
    return Desk(session, (project / "adapter").read_text())


@pytest.fixture(scope="module")
def desk(project):
    with sessions(project) as start:
        desk = begun(project, start)
        desk.session.run("seed.shop.raw_orders")
        desk.session.run("model.shop.orders")
        yield desk


@pytest.fixture
def job(desk):
    """An open job of `scores`, rolled back at the end."""
    opened = desk.open()
    yield opened
    desk.close(opened, ok=False)
