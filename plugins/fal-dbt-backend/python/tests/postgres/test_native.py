"""dbt-native Python models where dbt itself runs no Python: staged rows, and dbt's SQL
materialization.
"""

from threading import Event

import pytest
from live import native_job
from live.fixtures import ORDERS, make_project, sessions
from live.job_client import GatewayError, JobClient

MODELS = {
    "plain": """
def model(dbt, session):
    return dbt.ref("orders")
""",
    "grown": """
def model(dbt, session):
    dbt.config(materialized="incremental", unique_key="id", incremental_strategy="delete+insert")
    if dbt.is_incremental:
        top = session.sql(f"select max(id) as top from {dbt.this}")["top"][0].as_py()
        return session.sql(f"select {top} as id, 100 as amount union all select {top + 1}, 200")
    return dbt.ref("orders")
""",
    "hooked": """
def model(dbt, session):
    dbt.config(pre_hook="create table if not exists natives.counted (n int)", post_hook="insert into natives.counted select count(*) from natives.hooked")
    return dbt.ref("orders")
""",
    "viewed": """
def model(dbt, session):
    dbt.config(materialized="view")
    return dbt.ref("orders")
""",
    "batched": """
def model(dbt, session):
    dbt.config(materialized="incremental", incremental_strategy="microbatch", event_time="at", batch_size="day", begin="2024-01-01")
    return dbt.ref("orders")
""",
    "broken": """
def model(dbt, session):
    raise ValueError("no luck")
    return dbt.ref("orders")
""",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory, database):
    files = {f"models/{name}.py": code for name, code in MODELS.items()}
    files |= {"profiles.yml": database.profile(schema="natives")}
    return make_project(tmp_path_factory.mktemp("native") / "project", files)


@pytest.fixture(scope="module")
def run(project):
    """Runs models in a new session; returns their results by name, and the events."""

    def run(*names, job=native_job.run, **request):
        with sessions(project) as start:
            session = start(**request)
            session.on_python_job = lambda event: session.send("python_job_done", **job(event))
            ids = [*ORDERS, *(f"model.shop.{name}" for name in names)]
            session.start("models/fal/scores.sql", selected=ids)
            results = {id.split(".")[-1]: session.run(id) for id in ids}
            session.finish()
            return results, session.events

    return run


@pytest.fixture(scope="module")
def first(run):
    return run(*MODELS)


def test_a_plain_table(first, database):
    results, events = first
    result = results["plain"]
    assert result["status"] == "success"
    assert result["rows_affected"] == 3
    assert result["relation_name"] == f'"{database.name}"."natives"."plain"'
    expected = [(1, 10), (2, 20), (3, None)]
    assert database.query("select * from natives.plain order by id") == expected
    (event,) = [
        e for e in events if e["event"] == "python_job" and e["unique_id"].endswith("plain")
    ]
    assert event["code"].split("\n")[:3] == MODELS["plain"].split("\n")[:3]


def test_what_dbt_does_around_a_model(first, database):
    results, _ = first
    assert results["hooked"]["status"] == "success", results["hooked"]
    assert database.query("select n from natives.counted") == [(3,)]
    assert database.query("select tablename from pg_tables where tablename like '%fal%'") == []


def test_what_cannot_be_is_refused_before_the_code_runs(first):
    results, events = first
    assert "Say table or incremental" in results["viewed"]["message"]
    assert "microbatch cuts SQL into batches" in results["batched"]["message"]
    ran = {e["unique_id"].split(".")[-1] for e in events if e["event"] == "python_job"}
    assert ran == {"plain", "grown", "hooked", "broken"}


def test_an_error_of_the_code(first):
    results, _ = first
    expected = "Runtime Error in model broken (models/broken.py)\n  Python model failed: no luck"
    assert results["broken"]["message"] == expected


def test_an_incremental_model_reads_itself_and_merges(first, run, database):
    expected = [(1, 10), (2, 20), (3, None)]
    assert database.query("select * from natives.grown order by id") == expected
    results, _ = run("grown")
    assert results["grown"]["status"] == "success", results["grown"]
    expected = [(1, 10), (2, 20), (3, 100), (4, 200)]
    assert database.query("select * from natives.grown order by id") == expected
    results, _ = run("grown", full_refresh=True)
    assert database.query("select count(*) from natives.grown") == [(3,)]


def test_a_job_that_dies_after_its_write_leaves_the_old_table(first, run, database):
    def dies(event):
        error = {"kind": "crash", "message": "killed by SIGSEGV"}
        return {**native_job.run(event), "ok": False, "error": error}

    def ends(event):
        return {"job": event["job"], "ok": True, "error": None}

    before = database.query("select 'natives.plain'::regclass::oid")
    assert "killed by SIGSEGV" in run("plain", job=dies)[0]["plain"]["message"]
    assert "without writing" in run("plain", job=ends)[0]["plain"]["message"]
    assert database.query("select 'natives.plain'::regclass::oid") == before


def test_a_read_that_dbt_does_not_know_of(run):
    hints = []

    def reads(event):
        try:
            JobClient(event["location"], event["token"]).ref(
                "orders" if event["unique_id"].endswith("plain") else "plain"
            )
        except GatewayError as error:
            hints.append(error.help)
        return native_job.run(event)

    results, _ = run("plain", "hooked", job=reads)
    assert results["plain"]["status"] == "success"
    assert hints == ["Call dbt.ref('plain'): that is how dbt knows."]


def test_an_interruption_leaves_the_old_table(project, first, database):
    before = database.query("select 'natives.plain'::regclass::oid")
    with sessions(project) as start:
        session = start()
        asked = Event()
        session.on_python_job = lambda event: asked.set()
        session.start("models/fal/scores.sql", selected=["model.shop.plain"])
        result = session.send("run", unique_id="model.shop.plain")
        assert asked.wait(60)
        session.ask("cancel")
        assert "Interrupted" in result.result(60)["message"]
        session.finish(interrupted=True)
    assert database.query("select 'natives.plain'::regclass::oid") == before
