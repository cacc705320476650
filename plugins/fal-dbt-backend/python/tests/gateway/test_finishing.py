"""The steps after a write that a model's configuration asks for, on DuckDB."""

import pyarrow as pa
import pytest
from live.client import SCORES, Client
from live.fixtures import begun, make_project, stub

YAML = """
models:
  - name: scores
    description: All of them; counted.
    config:
      persist_docs: {relation: true, columns: true}
      indexes: [{columns: [id], unique: true}]
    columns: [{name: id, description: "The key; unique"}, {name: gone, description: Not there}]
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    files = {
        "models/schema.yml": YAML,
        "models/fal/scores.sql": stub("ref('orders')"),
        "models/report.sql": "select 1 as n",
    }
    root = make_project(tmp_path_factory.mktemp("finishing") / "project", files)
    with begun(root, "models/fal/scores.sql", selected=[SCORES]) as session:
        yield Client(session)


def test_comments_and_indexes(client):
    for _ in range(2):
        written = client.write(pa.table({"id": [1, 2]}))
        assert (written["status"], written["message"]) == ("success", "SELECT 2")
    for asked, expected in {
        "comment from duckdb_tables()": "All of them; counted.",
        "comment from duckdb_columns()": "The key; unique",
        "is_unique from duckdb_indexes()": True,
    }.items():
        assert client.query(f"select {asked} where table_name = 'scores'") == [(expected,)]


def test_one_that_fails_leaves_the_old_table(client):
    client.write(pa.table({"id": [1]}))
    failed = client.write(pa.table({"id": [7, 7]}))
    assert failed["status"] == "error"
    assert "uplicate" in failed["message"]
    assert client.query("select id from scores") == [(1,)]
