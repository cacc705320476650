"""The steps after a write that a model's configuration asks for, on DuckDB."""

from __future__ import annotations

import pyarrow as pa
import pytest
from live.fixtures import make_project, sessions, stub
from live.job_client import JobClient

YAML = """
models:
  - name: scores
    description: All of them; counted.
    config:
      persist_docs: {relation: true, columns: true}
      indexes: [{columns: [id], unique: true}]
    columns: [{name: id, description: "The key; unique"}, {name: gone, description: Not there}]
"""


@pytest.fixture
def session(tmp_path):
    files = {
        "models/schema.yml": YAML,
        "models/fal/scores.sql": stub("ref('orders')"),
        "models/report.sql": "select 1 as n",
    }
    with sessions(make_project(tmp_path / "project", files)) as start:
        started = start()
        started.load("models/fal/scores.sql")
        started.ask("begin", selected=["model.shop.scores"])
        yield started


def write(session, table: pa.Table) -> dict:
    session.ask("job_open", job="j", token="secret", unique_id="model.shop.scores")
    job = JobClient(session.location, "secret")
    job.write(table)
    result = {"unique_id": "model.shop.scores", "status": "success", "execution_time": 0.0}
    return session.ask("job_close", job="j", ok=True, result=result)


def ask(session, sql: str) -> list[dict]:
    session.ask("job_open", job="q", token="question", unique_id="model.shop.scores")
    rows = JobClient(session.location, "question").sql(sql, raw=True).to_pylist()
    session.ask(
        "job_close",
        job="q",
        ok=False,
        result={"unique_id": "model.shop.scores", "status": "error", "execution_time": 0.0},
    )
    return rows


def test_comments_and_indexes(session):
    for _ in range(2):
        result = write(session, pa.table({"id": [1, 2]}))
        assert (result["status"], result["message"]) == ("success", "SELECT 2")
    assert ask(session, "select comment from duckdb_tables() where table_name = 'scores'") == [
        {"comment": "All of them; counted."}
    ]
    assert ask(session, "select comment from duckdb_columns() where table_name = 'scores'") == [
        {"comment": "The key; unique"}
    ]
    assert ask(session, "select is_unique from duckdb_indexes() where table_name = 'scores'") == [
        {"is_unique": True}
    ]


def test_one_that_fails_leaves_the_old_table(session):
    write(session, pa.table({"id": [1]}))
    result = write(session, pa.table({"id": [7, 7]}))
    assert result["status"] == "error"
    assert "uplicate" in result["message"]
    assert ask(session, "select id from scores") == [{"id": 1}]
