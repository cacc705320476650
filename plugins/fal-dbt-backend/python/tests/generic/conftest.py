"""Runs the generic path over each installed adapter.

SQLite has no native path; DuckDB and PostgreSQL have one, which these tests don't use. dbt-sqlite
needs another dbt-adapters than dbt-postgres, so its tests run only where it is installed: `pip
install dbt-sqlite`.
"""

import json
import os
from importlib.util import find_spec

import pytest
from live.client import SCORES, Client  # noqa: F401
from live.fixtures import ORDERS, begun, make_project, stub

if find_spec("psycopg2") is not None:
    from postgres.conftest import Database, server  # noqa: F401

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
        "database": "database", "schema": "main", "schemas_and_paths": {"main": "shop.db"},
        "schema_directory": ".", "threads": 4,
    },
    "duckdb": {"path": "shop.duckdb", "threads": 4},
}  # fmt: skip


def profile(request, adapter: str) -> str:
    if adapter == "postgres":
        return Database(request.getfixturevalue("server")).profile(
            schema="main", search_path="main"
        )
    output = {"type": adapter, **PROFILES[adapter]}
    return f"shop: {{target: dev, outputs: {{dev: {json.dumps(output)}}}}}"


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


STUBS = ("models/fal/scores.sql", "models/fal/other.sql", "models/fal/granted.sql")


@pytest.fixture(scope="module")
def client(project):
    with begun(project, *STUBS, ran=ORDERS) as session:
        yield Client(session, (project / "adapter").read_text())


@pytest.fixture
def job(client):
    """An open job of `scores`, rolled back after the test."""
    opened = client.open()
    yield opened
    client.close(opened, ok=False)
