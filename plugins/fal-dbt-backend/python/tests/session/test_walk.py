"""One whole run: load, begin, nodes, a job, finish."""

import json

import duckdb
import pyarrow as pa
from live.client import Client


def test_a_run_of_everything(project, open_session):
    session = open_session(fresh=True)
    graph = session.load("models/fal/scores.sql")
    nodes = {n["unique_id"]: n for n in graph["nodes"]}
    assert nodes["model.shop.scores"]["depends_on"] == ["model.shop.orders"]
    assert graph["info"]["adapter"] == "duckdb"
    session.ask("begin", selected=session.runnable())

    seed = session.run("seed.shop.raw_orders")
    assert (seed["status"], seed["rows_affected"]) == ("success", 3)
    assert session.run("model.shop.orders")["status"] == "success"

    client = Client(session)
    job = client.open()
    assert job.ref("orders").to_pydict() == {"id": [1, 2, 3], "amount": [10, 20, None]}
    assert job.write(pa.table({"id": [1, 2], "score": [0.5, None]})) == 2
    closed = client.close(job)
    assert (closed["status"], closed["rows_affected"]) == ("success", 2)
    assert closed["relation_name"] == '"shop"."main"."scores"'

    assert session.run("model.shop.report")["status"] == "success"
    test = next(uid for uid in nodes if uid.startswith("test."))
    assert session.run(test)["status"] == "pass"
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
