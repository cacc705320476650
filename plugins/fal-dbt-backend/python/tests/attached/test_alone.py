"""Sessions that run only scripts, and results that the supervisor corrects."""

import json

import duckdb
from attached.conftest import ORDERS, ScriptClient
from live.client import job_result
from live.fixtures import make_project, sessions

SCHEMA = """
models:
  - name: orders
    columns: [{name: id, data_tests: [not_null, unique]}]
"""
FILES = {
    "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\nmodel-paths: [models]\n"
    "on-run-start: ['create or replace table started as select 1 as x']\n"
    "on-run-end: ['create or replace table ended as select 1 as x']\n",
    "models/schema.yml": SCHEMA,
    "models/report.sql": "{{ config(materialized='table') }} select count(*) as n from {{ ref('orders') }}",
    "tests/report_has_no_rows.sql": "select * from {{ ref('report') }}",
    "models/broken.sql": "select 1/ from",
}
STATUSES = "print({m.name: (m.status, sorted((t.name, t.status) for t in m.tests)) for m in list_models() if m.name in ('orders', 'report', 'broken')})"


def tables(project):
    with duckdb.connect(str(project / "shop.duckdb"), read_only=True) as connection:
        found = connection.execute("select table_name from duckdb_tables()").fetchall()
        return {name for (name,) in found}


def run(start, root, command, kinds):
    """Runs dbt itself on the project."""
    session = start(root, command=command)
    session.load()
    nodes = [
        n["unique_id"]
        for kind in kinds
        for n in session.graph["nodes"]
        if n["resource_type"] == kind and "scores" not in n["name"]
    ]
    session.ask("begin", selected=nodes)
    for node in sorted(nodes, key=lambda id: (id.startswith("test."), "report" in id)):
        session.run(node)
    session.finish()


def seen(start, root, numbers, zygote, **request):
    """Runs a script without its model; returns what it printed."""
    session = start(root, **request)
    session.load()
    session.ask("begin", selected=[], scripts=["script.orders.AFTER.s.py"])
    client = ScriptClient(session, zygote, numbers)
    said = client.said(
        STATUSES + "\nprint(len(ref('orders')), context.current_model.adapter_response is not None)"
    )
    assert session.finish() == {"artifacts_written": True, "failed_hooks": []}
    return said.splitlines()


def test_scripts_alone_and_of_the_last_run(tmp_path, zygote, numbers):
    root = make_project(tmp_path / "project", FILES)
    with sessions(root) as start:
        run(start, root, "build", ["seed", "model"])
        path = root / "target/run_results.json"
        results = path.read_text()
        assert {"started", "ended"} <= tables(root)
        with duckdb.connect(str(root / "shop.duckdb")) as connection:
            connection.execute("drop table started; drop table ended")
        skipped = [("not_null", "skipped"), ("unique", "skipped")]
        no_rows = [("report_has_no_rows", "skipped")]

        alone = seen(start, root, numbers, zygote)
        assert eval(alone[0]) == {
            "orders": ("skipped", skipped),
            "report": ("skipped", no_rows),
            "broken": ("skipped", []),
        }
        assert alone[1] == "3 False"
        last = seen(start, root, numbers, zygote, command="hooks")
        assert eval(last[0]) == {
            "orders": ("success", skipped),
            "report": ("success", no_rows),
            "broken": ("error", []),
        }
        assert last[1] == "3 True"
        assert path.read_text() == results
        assert not {"started", "ended"} & tables(root)

        run(start, root, "test", ["test"])
        last = seen(start, root, numbers, zygote, command="hooks")
        tested = {
            "orders": ("tested", [("not_null", "pass"), ("unique", "pass")]),
            "report": ("tested", [("report_has_no_rows", "fail")]),
            "broken": ("skipped", []),
        }
        assert eval(last[0]) == tested
        assert json.loads(path.read_text())["args"]["which"] == "test"


def test_the_scripts_of_the_last_run_leave_the_project_as_it_is(tmp_path):
    root = make_project(tmp_path / "project", FILES)
    with sessions(root) as start:
        session = start(command="hooks")
        session.load()
        session.ask("begin", selected=["model.shop.orders"], scripts=[])
        session.finish()
    assert not (root / "target/run_results.json").exists()
    assert tables(root) == set()


def test_a_result_that_is_recorded_again_replaces_the_first(tmp_path, zygote, numbers):
    root = make_project(tmp_path / "project", FILES)
    with sessions(root) as start:
        session = start()
        session.load("models/fal/scores.sql")
        session.ask("begin", selected=session.runnable())
        session.run("seed.shop.raw_orders")
        first = session.run(ORDERS)
        client = ScriptClient(session, zygote, numbers)
        _, scores = client.model("write_to_model(ref('orders'))")
        message = "the table was written, and a hook failed"
        for written in (first, scores):
            session.ask("record", **{**written, "status": "error", "message": message})
        print_status = "print(context.current_model.status)"
        for model in (ORDERS, "model.shop.scores"):
            assert client.said(print_status, model=model) == "error\n"
        session.ask("record", **job_result("model.shop.report", False, message="a pre-hook failed"))
        assert client.said(print_status, model="model.shop.report", role="post_hook") == "error\n"
        session.finish()
    results = json.loads((root / "target/run_results.json").read_text())["results"]
    recorded = {
        r["unique_id"].split(".")[-1]: (r["status"], r["message"], r["relation_name"])
        for r in results
        if "." in r["unique_id"]
    }
    assert recorded["orders"] == ("error", message, '"shop"."main"."orders"')
    assert recorded["scores"] == ("error", message, '"shop"."main"."scores"')
    assert recorded["report"][:2] == ("error", "a pre-hook failed")
    assert len(results) == len({r["unique_id"] for r in results})


def test_another_keyword(tmp_path, zygote, numbers):
    store = "feature_store: {entity_column: id, timestamp_column: at}"
    meta = f"meta: {{hosted: {{{store}}}, fal: {{owner: bob}}, team: data}}"
    schema = f"models:\n  - name: orders\n    {meta}\n    columns: [{{name: id}}, {{name: at}}, {{name: amount}}]\n"
    root = make_project(tmp_path / "project", {"models/schema.yml": schema})
    with sessions(root) as start:
        session = start(keyword="hosted")
        session.load()
        session.ask("begin", selected=[], scripts=["script.orders.AFTER.s.py"])
        code = "print(context.current_model.meta, [f.column for f in list_features()])"
        expected = "{'fal': {'owner': 'bob'}, 'team': 'data'} ['amount']\n"
        assert ScriptClient(session, zygote, numbers).said(code) == expected
        session.finish()
