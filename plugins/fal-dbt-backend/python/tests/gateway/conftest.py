"""One session for all tests of this folder."""

import pytest
from live.client import SCORES, Client  # noqa: F401
from live.fixtures import ORDERS, make_project, sessions, stub

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


@pytest.fixture(scope="package")
def client(tmp_path_factory):
    root = make_project(tmp_path_factory.mktemp("gateway") / "project", FILES)
    with sessions(root) as start:
        session = start()
        session.load("models/fal/scores.sql", "models/fal/elsewhere.sql")
        selected = [uid for uid in session.runnable() if not uid.endswith("not_selected")]
        session.ask("begin", selected=selected)
        for node in ORDERS:
            session.run(node)
        yield Client(session)


@pytest.fixture
def job(client):
    """An open job of `scores`, rolled back after the test."""
    opened = client.open()
    yield opened
    client.close(opened, ok=False)
