"""dbt-native Python models: dbt's materialization in the session, the user's code elsewhere."""

import json
from types import SimpleNamespace

import pytest
from fal_worker.engine.native import runs_in_warehouse
from live import native_job
from live.client import Client
from live.fixtures import ORDERS, begun, make_project

TABLE = """

def model(dbt, session):
    dbt.config(materialized="table")
    return dbt.ref("orders").filter("amount is not null")
"""
INCREMENTAL = """
def model(dbt, session):
    dbt.config(materialized="incremental", unique_key="id")
    df = dbt.ref("orders")
    if dbt.is_incremental:
        ((top,),) = session.sql(f"select max(id) from {dbt.this}").fetchall()
        df = df.filter(f"id >= {top}").project("id, 100 as amount")
    return df.filter("id < 3") if not dbt.is_incremental else df
"""
HOOKED = """
def model(dbt, session):
    dbt.config(materialized="table")
    return dbt.ref("orders")
"""
REFUSED = """
def model(dbt, session):
    dbt.config(%s)
    return dbt.ref("orders")
"""
MODELS = {
    "plain": TABLE,
    "kept": TABLE,
    "grown": INCREMENTAL,
    "hooked": HOOKED,
    "viewed": REFUSED % 'materialized="view"',
    "batched": REFUSED
    % 'materialized="incremental", incremental_strategy="microbatch", event_time="at", batch_size="day", begin="2024-01-01"',
}
HOOKS = """models:
  - name: hooked
    config:
      pre_hook: "create or replace table hook_log as select 1 as n"
      post_hook: "insert into hook_log select count(*) from {{ this }}"
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    files = {f"models/{name}.py": code for name, code in MODELS.items()}
    root = make_project(
        tmp_path_factory.mktemp("native") / "project", {**files, "models/native.yml": HOOKS}
    )
    with begun(root, "models/fal/scores.sql", ran=ORDERS) as session:
        yield Client(session)


@pytest.fixture(scope="module")
def run(client):
    """Runs a model; returns its result."""
    session = client.session

    def run(name, job=native_job.run):
        session.on_python_job = lambda event: session.send("python_job_done", **job(event))
        return session.run(f"model.shop.{name}")

    return run


def events(client, name):
    """The jobs of a model that the session asked for."""
    jobs = [event for event in client.session.events if event["event"] == "python_job"]
    return [event for event in jobs if event["unique_id"] == f"model.shop.{name}"]


def test_a_table_is_made_by_dbts_own_macro(client, run):
    result = run("plain")
    assert (result["status"], result["rows_affected"]) == ("success", 2)
    assert result["relation_name"] == '"shop"."main"."plain"'
    assert client.query("select * from plain order by id") == [(1, 10), (2, 20)]
    (event,) = events(client, "plain")
    assert event["path"] == "models/plain.py"
    # A traceback's line numbers are those of the user's file.
    assert event["code"].split("\n")[:5] == TABLE.split("\n")[:5]
    # dbt's temporary relations are gone.
    like = "select table_name from duckdb_tables() where table_name like '{}'"
    assert client.query(like.format("%tmp%")) == []


def test_an_incremental_model_reads_itself_and_merges(client, run):
    run("grown")
    assert client.query("select * from grown order by id") == [(1, 10), (2, 20)]
    result = run("grown")
    assert result["status"] == "success", result
    assert client.query("select * from grown order by id") == [(1, 10), (2, 100), (3, 100)]


def test_hooks_run_in_the_same_transaction(client, run):
    result = run("hooked")
    assert result["status"] == "success", result
    assert client.query("select n from hook_log order by n") == [(1,), (3,)]


def test_a_failure_leaves_the_old_table(client, run):
    run("kept")

    def broken(event):
        code = event["code"].replace("    return dbt.ref", "    raise ValueError('no luck')\n#", 1)
        return native_job.run({**event, "code": code})

    result = run("kept", broken)
    assert result["status"] == "error"
    assert "no luck" in result["message"]
    assert "Traceback" not in result["message"]
    assert client.query("select count(*) from kept") == [(2,)]


def test_a_job_that_dies_after_its_write_leaves_nothing(client, run):
    run("kept")
    error = {"kind": "crash", "message": "killed by SIGSEGV"}
    result = run("kept", lambda event: {**native_job.run(event), "ok": False, "error": error})
    assert (result["status"], "killed by SIGSEGV" in result["message"]) == ("error", True)
    tables = "select table_name from duckdb_tables() where table_name like 'kept%'"
    assert client.query(tables) == [("kept",)]
    result = run("kept", lambda event: {"job": event["job"], "ok": True, "error": None})
    assert (result["status"], "without writing" in result["message"]) == ("error", True)


def test_what_cannot_be_is_refused_before_the_code_runs(client, run):
    for name, reason in (
        ("batched", "microbatch cuts SQL into batches"),
        ("viewed", "Say table or incremental"),
    ):
        result = run(name)
        assert (result["status"], reason in result["message"]) == ("error", True), result
        assert events(client, name) == []


def test_the_artifact_has_dbts_answer(client):
    """Must be the last test with the session: it ends the run."""
    client.session.finish()
    path = client.session.project / "target/run_results.json"
    results = {each["unique_id"]: each for each in json.loads(path.read_text())["results"]}
    answer = results["model.shop.plain"]["adapter_response"]
    assert answer == {"_message": "OK", "rows_affected": 2}


class _NoPython:
    def type(self):
        return "postgres"

    @property
    def python_submission_helpers(self):
        raise NotImplementedError


def test_a_model_may_ask_for_the_python_of_its_warehouse():
    cloud = SimpleNamespace(type=lambda: "snowflake", python_submission_helpers={"sproc": object})
    duckdb = SimpleNamespace(type=lambda: "duckdb", python_submission_helpers={"": object})

    def runs(adapter, meta=None, **config):
        model = SimpleNamespace(config=SimpleNamespace(meta=meta or {}, get=config.get))
        return runs_in_warehouse(SimpleNamespace(keyword="fal", adapter=adapter), model)

    asked = {"fal": {"python": "warehouse"}}
    assert runs(cloud, asked) and runs(cloud, submission_method="serverless")
    assert not runs(cloud) and not runs(cloud, {"fal": "x"})
    assert not runs(duckdb, asked) and not runs(_NoPython(), asked)
