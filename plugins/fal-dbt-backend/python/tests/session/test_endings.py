"""Ends of a run: regular, interrupted, without the supervisor; and what each of them leaves."""

import json
import subprocess
import sys
from importlib.metadata import version

import duckdb
import pyarrow as pa
import pytest
from live.client import SCORES, job_result
from live.fixtures import make_project
from live.job_client import JobClient
from live.process import Refused

ENDLESS = "{{ config(materialized='table') }} select count(*) as n from range(100000000000) a where a.range % 7 = 3"
HOOKS = "on-run-start: ['create table if not exists log (what varchar)', \"insert into log values ('start')\"]\non-run-end: [\"insert into log values ('end {{ results | length }}')\"]\n"
FAILS = "on-run-start: ['select * from nowhere']\n"
DBT = tuple(int(part) for part in version("dbt-core").split(".")[:2])
PROJECT = "name: shop\nversion: '1.0'\nprofile: shop\nmodel-paths: [models]\n"


def results(root):
    """Reads run_results.json with dbt's loader, in a separate process because dbt has global state."""
    script = (
        "import sys, json\nfrom dbt.artifacts.schemas.run import RunResultsArtifact\n"
        "a = RunResultsArtifact.read_and_check_versions(sys.argv[1])\n"
        "print(json.dumps({r.unique_id: [r.status, r.message, r.thread_id] for r in a.results}))"
    )
    path = str(root / "target/run_results.json")
    command = [sys.executable, "-c", script, path]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def query(root, sql):
    with duckdb.connect(str(root / "shop.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def open_scores(session):
    session.ask("job_open", job="j", token="t", unique_id="model.shop.scores")
    return JobClient(session.location, "t")


@pytest.fixture
def hooked(tmp_path):
    return make_project(
        tmp_path / "hooked", {"dbt_project.yml": PROJECT + HOOKS, "models/endless.sql": ENDLESS}
    )


def test_hooks_and_skipped_nodes_are_in_the_artifacts(hooked, open_session):
    session = open_session(hooked)
    session.start("models/fal/scores.sql")
    session.run("seed.shop.raw_orders")
    open_scores(session)
    failed = job_result(SCORES, ok=False, message="ValueError: no", thread_id="main")
    closed = session.ask("job_close", job="j", ok=False, result=failed)
    assert closed["status"] == "error"
    for uid in ("model.shop.report", "model.shop.shared"):
        session.ask("record", unique_id=uid, status="skipped", message=None)
    assert session.finish() == {"artifacts_written": True, "failed_hooks": []}
    assert query(hooked, "select what from log") == [("start",), ("end 3",)]
    found = results(hooked)
    assert found["model.shop.scores"] == ["error", "ValueError: no", "fal"]
    assert found["model.shop.report"][0] == "skipped"
    assert "model.shop.shared" not in found  # ephemeral: dbt has no result for it
    assert DBT < (1, 9) or [uid for uid in found if uid.startswith("operation.")] != []


def test_an_interrupted_run_writes_its_artifacts(hooked, open_session):
    session = open_session(hooked)
    session.start("models/fal/scores.sql")
    session.run("seed.shop.raw_orders")
    session.run("model.shop.orders")
    endless = session.send("run", unique_id="model.shop.endless")
    open_scores(session).write(pa.table({"x": [1]}))
    session.ask("cancel")
    assert endless.result(30)["status"] == "error"
    assert session.run("model.shop.report")["status"] == "skipped"
    assert session.finish(interrupted=True)["artifacts_written"]
    found = results(hooked)
    assert found["model.shop.endless"][0] == "error"
    assert found["model.shop.scores"][:2] == ["error", "Interrupted"]
    assert found["model.shop.orders"][0] == "success"
    assert query(hooked, "select what from log") == [("start",)]
    expected = [("log",), ("orders",), ("raw_orders",)]
    assert query(hooked, "select table_name from duckdb_tables() order by 1") == expected


def test_finish_interrupted_ends_nodes_in_flight_by_itself(hooked, open_session):
    session = open_session(hooked)
    session.start("models/fal/scores.sql")
    endless = session.send("run", unique_id="model.shop.endless")
    assert session.finish(interrupted=True)["artifacts_written"]
    # It has started already, or still waits for one of dbt's threads.
    assert endless.result(5)["status"] in ("error", "skipped")
    assert results(hooked)["model.shop.endless"][0] == endless.result()["status"]


def test_an_on_run_start_under_way_ends_when_the_run_is_cancelled(tmp_path, open_session):
    slow = ENDLESS.rsplit("}}", 1)[-1].strip()
    hook = f"on-run-start: [{json.dumps('create table x as ' + slow)}]\n"
    root = make_project(tmp_path / "slow", {"dbt_project.yml": PROJECT + hook})
    session = open_session(root)
    session.load()
    begun = session.send("begin", selected=session.runnable())
    session.ask("cancel")
    try:
        begun.result(60)  # the hook was cancelled, and dbt went on
        assert session.run("seed.shop.raw_orders")["status"] == "skipped"
    except Refused as error:  # dbt's own query before the hook was cancelled
        assert error.code == "dbt::interrupted"
    session.finish(interrupted=True)
    assert query(root, "select * from duckdb_tables()") == []


def test_an_interrupted_native_model_is_an_error(tmp_path, open_session):
    code = "def model(dbt, session):\n    return dbt.ref('raw_orders')\n"
    root = make_project(tmp_path / "native", {"models/native.py": code})
    session = open_session(root)
    asked = []
    session.on_python_job = asked.append  # a job that never ends
    session.start("models/fal/scores.sql")
    session.run("seed.shop.raw_orders")
    native = session.send("run", unique_id="model.shop.native")
    while not asked:
        assert not native.done(), native.result()
    session.ask("cancel")
    result = native.result(30)
    assert (result["status"], "Interrupted" in result["message"]) == ("error", True)
    session.finish(interrupted=True)
    assert results(root)["model.shop.native"][0] == "error"


def test_when_the_supervisor_is_gone_nothing_stays(hooked, open_session):
    session = open_session(hooked)
    session.start("models/fal/scores.sql")
    session.run("seed.shop.raw_orders")
    session.run("model.shop.orders")
    session.send("run", unique_id="model.shop.endless")
    open_scores(session).write(pa.table({"x": [1]}))
    session.hang_up()
    assert session.process.wait(10) == 1
    assert query(hooked, "select count(*) from orders") == [(3,)]
    assert query(hooked, "select table_name from duckdb_tables() where table_name = 'scores'") == []


def test_the_supervisor_may_go_while_dbt_is_imported(open_session):
    session = open_session(fresh=True)
    session.hang_up()
    assert session.process.wait(30) == 1


def test_only_looking_touches_nothing(project, open_session):
    session = open_session(command="ls", execute=False)
    graph = session.load("models/fal/scores.sql")
    assert len(graph["nodes"]) == 6
    assert session.finish() == {"artifacts_written": False, "failed_hooks": []}
    assert not (project / "shop.duckdb").exists()
    assert not (project / "target/run_results.json").exists()
    assert session.logs("warn", "error") == []


def test_nothing_selected_is_a_run_too(project, open_session):
    session = open_session()
    session.start("models/fal/scores.sql", selected=[])
    assert session.finish()["failed_hooks"] == []


def test_a_failing_on_run_start_does_not_stop_the_nodes(tmp_path, open_session):
    text = PROJECT + FAILS + "flags: {skip_nodes_if_on_run_start_fails: false}\n"
    root = make_project(tmp_path / "p", {"dbt_project.yml": text})
    session = open_session(root)
    session.start("models/fal/scores.sql")
    assert session.run("seed.shop.raw_orders")["status"] == "success"
    (hook,) = session.finish()["failed_hooks"]
    assert hook["unique_id"] == (
        "operation" if DBT < (1, 9) else "operation.shop.shop-on-run-start-0"
    )
    assert "nowhere" in hook["message"]


@pytest.mark.skipif(DBT < (1, 9), reason="dbt 1.8 has no such flag")
def test_a_failing_on_run_start_may_skip_everything(tmp_path, open_session):
    text = PROJECT + FAILS + "flags: {skip_nodes_if_on_run_start_fails: true}\n"
    root = make_project(tmp_path / "p", {"dbt_project.yml": text})
    session = open_session(root)
    session.load("models/fal/scores.sql")
    with pytest.raises(Exception, match="(?s)dbt::on_run_start.*nowhere") as caught:
        session.ask("begin", selected=session.runnable())
    assert "Traceback" not in str(caught.value)
    assert session.finish()["artifacts_written"]
    assert results(root)["model.shop.scores"][0] == "skipped"
