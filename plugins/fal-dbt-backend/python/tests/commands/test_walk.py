"""One whole run by calls of the `dbt` program: SQL, a job, SQL behind it."""

from __future__ import annotations

import json

import duckdb
import pyarrow as pa
from live.job_client import JobClient


def test_a_run_in_two_calls_of_dbt(project, open_session):
    session = open_session(fresh=True, debug=False, command="build")
    graph = session.load("models/fal/scores.sql")
    nodes = {n["unique_id"]: n for n in graph["nodes"]}
    assert nodes["model.shop.scores"]["depends_on"] == ["model.shop.orders"]
    assert graph["info"]["adapter"] == "duckdb"
    assert graph["info"]["engine"].endswith("in batches")
    session.ask("begin", selected=session.runnable())

    seed = session.run("seed.shop.raw_orders")
    assert (seed["status"], seed["rows_affected"]) == ("success", 3)
    assert session.run("model.shop.orders")["status"] == "success"

    session.ask("job_open", job="j1", token="t1", unique_id="model.shop.scores")
    job = JobClient(session.location, "t1")
    assert job.ref("orders").to_pydict() == {"id": [1, 2, 3], "amount": [10, 20, None]}
    assert job.write(pa.table({"id": [1, 2], "score": [0.5, None]})) == 2
    result = {"unique_id": "model.shop.scores", "status": "success", "execution_time": 0.1}
    closed = session.ask("job_close", job="j1", ok=True, result=result)
    assert (closed["status"], closed["rows_affected"]) == ("success", 2)
    assert closed["relation_name"] == '"shop"."main"."scores"'

    test = next(uid for uid in nodes if uid.startswith("test."))
    assert session.run(test)["status"] == "pass"
    assert session.run("model.shop.report")["status"] == "success"
    assert session.finish() == {"artifacts_written": True, "failed_hooks": []}

    with duckdb.connect(str(project / "shop.duckdb"), read_only=True) as con:
        assert con.execute("select n from report").fetchall() == [(2,)]
    results = json.loads((project / "target/run_results.json").read_text())["results"]
    assert {r["unique_id"]: r["status"] for r in results} == {
        "seed.shop.raw_orders": "success",
        "model.shop.orders": "success",
        "model.shop.scores": "success",
        "model.shop.report": "success",
        test: "pass",
    }
