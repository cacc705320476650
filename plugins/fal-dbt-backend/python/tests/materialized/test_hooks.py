"""SQL hooks, comments, indexes and contracts of Python models, compared with SQL models of the same
configuration.
"""

import json

import pyarrow as pa
import pytest
from live.client import job_result

from .conftest import Refused, clients, same

ROWS = pa.table({"id": [1, 2], "day": [1, 1], "v": ["a", "b"]})
MORE = pa.table({"id": [3], "day": [2], "v": ["c"]})


@pytest.fixture(scope="module", autouse=True)
def heard(client):
    """Creates the table in which hooks record that they ran."""
    client.run("create table if not exists heard (t text)")


def both(client, name: str, table: pa.Table) -> dict:
    """Runs both kinds of model, asserts equal outcomes; returns the outcome and the hooks' records."""
    seen = []
    for run, kind in ((client.sql, "sql"), (client.python, "py")):
        result = run(f"{kind}_{name}", table)
        outcome = {"status": result["status"], "message": same(result["message"])}
        seen.append({**outcome, "table": client.table(f"{kind}_{name}"), "heard": client.heard()})
    assert seen[1] == seen[0]
    assert client.left_over() == []
    return seen[0]


def ids(outcome: dict) -> list:
    return [row[0] for row in outcome["table"][1]]


@pytest.mark.parametrize(
    ("name", "later"),
    [
        ("hooked", ["ahead False", "inside", "behind 1", "after"]),
        ("hooked_rows", ["ahead True", "inside", "behind 3", "after"]),
    ],
)
def test_hooks_around_a_table_and_around_incremental_rows(client, name, later):
    first, second = both(client, name, ROWS), both(client, name, MORE)
    assert first["heard"] == ["ahead False", "inside", "behind 2", "after"]
    assert second["heard"] == later


@pytest.mark.parametrize("name", ["failing", "failing_rows"])
def test_a_post_hook_that_fails(client, name):
    client.run("create table nowhere (x int)")
    assert both(client, name, ROWS)["heard"] == ["lost"]
    client.run("drop table nowhere")
    failed = both(client, name, MORE)
    assert failed["status"] == "error"
    assert "nowhere" in failed["message"]
    assert failed["heard"] == []
    assert ids(failed) == [1, 2]


def test_a_hook_ahead_is_seen_by_the_code(client):
    job = client.open("model.shop.ahead")
    assert job.sql("select t from heard", raw=True).to_pylist() == [{"t": "ahead"}]
    job.write(ROWS)
    assert client.close(job)["status"] == "success"
    assert client.heard() == ["ahead"]


def test_a_hook_ahead_that_fails_stops_the_model(client):
    with pytest.raises(Refused, match="nowhere"):
        client.open("model.shop.ahead_fails")


def test_a_model_that_fails_runs_no_hooks_but_those_ahead(client):
    before = client.table("py_hooked")
    job = client.open("model.shop.py_hooked")
    job.write(MORE)
    assert client.close(job, ok=False)["status"] == "error"
    assert client.heard() == ["ahead False"]
    assert client.table("py_hooked") == before
    assert client.left_over() == []


WRONG = {
    "type": (pa.table({"id": [9], "day": ["text"], "v": ["x"]}), "day"),
    "name": (pa.table({"id": [9], "day": [1], "w": ["x"]}), "missing in"),
    "null": (pa.table({"id": pa.array([None], pa.int64()), "day": [1], "v": ["x"]}), "constraint"),
}


@pytest.mark.parametrize("name", ["held", "held_rows"])
def test_a_contract(client, name):
    assert both(client, name, ROWS)["status"] == "success"
    null = "select is_nullable from information_schema.columns where table_name = 'py_{}' and column_name = 'id'"
    assert client.query(null.format(name)) == [("NO",)]
    for wrong, part in WRONG.values():
        failed = both(client, name, wrong)
        assert failed["status"] == "error"
        assert part in failed["message"]
        assert ids(failed) == [1, 2]


def test_a_contract_of_an_incremental_model_with_a_key(client):
    for table in (ROWS, pa.table({"id": [2], "day": [5], "v": ["B"]})):
        assert client.python("held_widely", table)["status"] == "success"
    assert client.table("held_widely")[1] == [(1, 1, "a"), (2, 5, "B")]


COMMENTS = {
    "duckdb": "select comment from duckdb_tables() where table_name = '{0}' union all "
    "select comment from duckdb_columns() where table_name = '{0}' and comment <> ''",
    "postgres": "select obj_description('{0}'::regclass)::text union all select col_description('{0}'::regclass, 1)::text",
}
INDEXES = {
    "duckdb": "select count(*) from duckdb_indexes() where table_name = '{0}'",
    "postgres": "select count(*) from pg_indexes where tablename = '{0}'",
}


def test_comments_and_indexes_beside_hooks(client):
    for _ in range(2):
        assert both(client, "described", ROWS)["status"] == "success"
    seen = [
        [
            client.query(asked[client.warehouse].format(f"{kind}_described"))
            for asked in (COMMENTS, INDEXES)
        ]
        for kind in ("sql", "py")
    ]
    assert seen[0] == seen[1] == [[("Rows; of $a$.",), ("The key; unique",)], [(1,)]]


def test_rights(client):
    if client.warehouse == "duckdb":
        pytest.skip("DuckDB has no rights")
    client.run("do $$ begin create role reads; exception when duplicate_object then null; end $$")
    rights = "select privilege_type::text from information_schema.role_table_grants where table_name = '{}' and grantee = 'reads'"
    for table in (ROWS, MORE):
        assert both(client, "granted_rows", table)["status"] == "success"
        assert [client.query(rights.format(f"{kind}_granted_rows")) for kind in ("sql", "py")] == [
            [("SELECT",)]
        ] * 2


def asleep(client):
    """Starts a model whose post-hook sleeps in dbt's transaction, after the new table; returns the
    pending answer.
    """
    job = client.open("model.shop.sleeps")
    job.write(ROWS)
    closed = job_result(job.unique_id)
    closing = client.session.send("job_close", job=job.id, ok=True, result=closed)
    sleeping = "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
    while client.query(sleeping) != [(1,)]:
        assert not closing.done(), closing.result()
    return closing


def test_a_session_that_ends_within_dbts_transaction(client, projects):
    if client.warehouse == "duckdb":
        pytest.skip("DuckDB cannot wait")
    with clients(projects(client.warehouse), client.warehouse) as opened:
        killed = opened()
        asleep(killed)
        killed.session.process.kill()
        killed.session.process.wait(60)
        client.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
        )
        assert client.table("sleeps") == ([], [])
        assert client.left_over() == [("sleeps__fal_stage",)]

        interrupted = opened()
        closing = asleep(interrupted)
        interrupted.session.ask("cancel")
        ended = closing.result(60)
        assert (ended["status"], ended["message"]) == ("error", "Interrupted")
    assert client.table("sleeps") == ([], [])


def test_results(client, projects):
    """dbt's run results of a Python model are those that dbt's own models get."""
    client.heard()
    result = client.python("py_hooked_rows", MORE)
    assert result["status"] == "success"
    assert result["rows_affected"] == 1
    assert result["execution_time"] > 1.0
    client.sql("sql_hooked_rows", MORE)
    client.session.finish()
    written = json.loads((projects(client.warehouse) / "target/run_results.json").read_text())[
        "results"
    ]
    by_name = {each["unique_id"].split(".")[-1]: each for each in written}
    ours, dbts = by_name["py_hooked_rows"], by_name["sql_hooked_rows"]
    for key in ("status", "message", "adapter_response", "compiled"):
        assert ours[key] == dbts[key], key
    assert ours["relation_name"] == dbts["relation_name"].replace("sql_", "py_")
    assert by_name["ahead_fails"]["status"] == "error"
    assert "nowhere" in by_name["ahead_fails"]["message"]
