"""dbt-native Python models: dbt's materialization in the session, the user's code elsewhere."""

from __future__ import annotations

import json
from types import SimpleNamespace

import duckdb
import pytest
from fal_worker.engine.native import runs_in_warehouse
from live import native_job
from live.fixtures import make_project

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
HOOKS = """models:
  - name: native
    config:
      pre_hook: "create or replace table hook_log as select 1 as n"
      post_hook: "insert into hook_log select count(*) from {{ this }}"
"""
REFUSED = """
def model(dbt, session):
    dbt.config(%s)
    return dbt.ref("orders")
"""
MICROBATCH = 'materialized="incremental", incremental_strategy="microbatch", event_time="at", batch_size="day", begin="2024-01-01"'
BROKEN = """
def model(dbt, session):
    df = dbt.ref("orders")
    raise ValueError("no luck")
    return df
"""
UID = "model.shop.native"


@pytest.fixture
def native(tmp_path, open_session):
    """Runs the model `native` with this code in one session; returns its result and the finished
    session.
    """
    root = tmp_path / "native"

    def run(code: str, job=native_job.run, yaml: str = "models: []"):
        make_project(root, {"models/native.py": code, "models/native.yml": yaml})
        session = open_session(root)
        session.on_python_job = lambda event: session.send("python_job_done", **job(event))
        session.start(
            "models/fal/scores.sql", selected=["seed.shop.raw_orders", "model.shop.orders", UID]
        )
        session.run("seed.shop.raw_orders")
        session.run("model.shop.orders")
        result = session.run(UID)
        session.finish()
        return result, session

    run.root = root
    run.query = lambda sql: _query(root, sql)
    return run


def _query(root, sql):
    with duckdb.connect(str(root / "shop.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_a_table_is_made_by_dbts_own_macro(native):
    result, session = native(TABLE)
    assert (result["status"], result["rows_affected"], result["relation_name"]) == (
        "success",
        2,
        '"shop"."main"."native"',
    )
    assert native.query("select * from native order by id") == [(1, 10), (2, 20)]
    (event,) = [e for e in session.events if e["event"] == "python_job"]
    assert event["path"] == "models/native.py"
    # A traceback's line numbers are those of the user's file.
    assert event["code"].split("\n")[:5] == TABLE.split("\n")[:5]
    # dbt's temporary relations are gone.
    assert (
        native.query("select table_name from duckdb_tables() where table_name like '%tmp%'") == []
    )
    results = json.loads((native.root / "target/run_results.json").read_text())["results"]
    assert results[-1]["adapter_response"] == {"_message": "OK", "rows_affected": 2}


def test_an_incremental_model_reads_itself_and_merges(native):
    native(INCREMENTAL)
    assert native.query("select * from native order by id") == [(1, 10), (2, 20)]
    result, _ = native(INCREMENTAL)
    assert result["status"] == "success", result
    assert native.query("select * from native order by id") == [(1, 10), (2, 100), (3, 100)]


def test_hooks_run_in_the_same_transaction(native):
    result, _ = native(HOOKED, yaml=HOOKS)
    assert result["status"] == "success", result
    assert native.query("select n from hook_log order by n") == [(1,), (3,)]


def test_a_failure_leaves_the_old_table(native):
    native(TABLE)
    result, _ = native(BROKEN)
    assert result["status"] == "error"
    assert "no luck" in result["message"]
    assert "Traceback" not in result["message"]
    assert native.query("select count(*) from native") == [(2,)]


def test_a_job_that_dies_after_its_write_leaves_nothing(native):
    native(TABLE)

    def dies(event):
        return {
            **native_job.run(event),
            "ok": False,
            "error": {"kind": "crash", "message": "killed by SIGSEGV"},
        }

    result, _ = native(TABLE, dies)
    assert (result["status"], "killed by SIGSEGV" in result["message"]) == ("error", True)
    assert native.query(
        "select table_name from duckdb_tables() where table_name like 'native%'"
    ) == [("native",)]


def test_a_job_that_never_writes_is_an_error(native):
    result, _ = native(TABLE, lambda event: {"job": event["job"], "ok": True, "error": None})
    assert (result["status"], "without writing" in result["message"]) == ("error", True)


def test_what_cannot_be_is_refused_before_the_code_runs(native):
    for config, reason in (
        (MICROBATCH, "microbatch cuts SQL into batches"),
        ('materialized="view"', "Say table or incremental"),
    ):
        result, session = native(REFUSED % config)
        assert (result["status"], reason in result["message"]) == ("error", True), result
        assert not any(event["event"] == "python_job" for event in session.events)


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
