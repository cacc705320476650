"""The parts of the engine that runs dbt as a program, tested without dbt.

Settings, relations, SQL, selectors, log lines, artifacts, and turns at a database.
"""

from __future__ import annotations

import json
import os
import threading
from types import SimpleNamespace

import pytest
from fal_worker.engine.commands import words
from fal_worker.engine.commands.artifacts import Artifact, write_whole
from fal_worker.engine.commands.gate import Gate
from fal_worker.engine.commands.lines import Ear
from fal_worker.engine.commands.manifest import Manifest
from fal_worker.engine.commands.process import Dbt
from fal_worker.engine.commands.project import Project
from fal_worker.engine.commands.selectors import word
from fal_worker.engine.commands.session import CommandSession
from fal_worker.engine.commands.settings import read
from fal_worker.engine.commands.support import check_model
from fal_worker.errors import Interrupted, SessionError

PROFILE = """
shop:
  target: "{{ env_var('WHERE', 'dev') }}"
  outputs:
    dev: {type: duckdb, path: "{{ env_var('FILE') }}.duckdb", threads: 3}
    pg: {type: postgres, host: h, port: "{{ env_var('PORT') | as_number }}", user: u, pass: "p'w", dbname: db, schema: s}
"""
PROJECT = """
name: shop
profile: shop
quoting: {schema: false}
vars: {factor: 2, other: {factor: 3}}
models: {shop: {deep: {+materialized: incremental}}}
"""


def node(title, **more):
    given = {
        "unique_id": f"model.shop.{title}",
        "name": title,
        "resource_type": "model",
        "package_name": "shop",
        "alias": title,
    }
    given |= {
        "database": "f",
        "schema": "main",
        "fqn": ["shop", title],
        "original_file_path": f"models/{title}.sql",
        "version": None,
    }
    return {**given, "config": {"materialized": "table"}, "depends_on": {"nodes": []}, **more}


NODES = [
    node("a"),
    node(
        "half",
        config={"materialized": "ephemeral"},
        raw_code="{{ config(x=1) }} select x from {{ ref('a') }}",
    ),
    node(
        "quarter", config={"materialized": "ephemeral"}, raw_code="select x from {{ ref('half') }}"
    ),
    node(
        "stub",
        config={"materialized": "ephemeral"},
        original_file_path="models/fal/stub.sql",
        alias='od"d',
    ),
    node("dim.v1", name="dim", version=1, latest_version=2, unique_id="model.shop.dim.v1"),
    node(
        "dim.v2",
        name="dim",
        version=2,
        latest_version=2,
        unique_id="model.shop.dim.v2",
        alias="dim_v2",
    ),
]
SOURCE = {
    "unique_id": "source.shop.s.t",
    "resource_type": "source",
    "source_name": "s",
    "name": "t",
    "package_name": "shop",
}
SOURCE |= {"database": "f", "schema": "raw", "identifier": "T", "quoting": {"identifier": False}}


@pytest.fixture
def root(tmp_path, monkeypatch):
    (tmp_path / "profiles.yml").write_text(PROFILE)
    (tmp_path / "dbt_project.yml").write_text(PROJECT)
    monkeypatch.setenv("FILE", "f")
    monkeypatch.setenv("PORT", "5433")
    return tmp_path


@pytest.fixture
def project(root):
    request = {"project_dir": str(root), "profiles_dir": str(root), "command": "run"}
    manifest = {
        "metadata": {"project_name": "shop"},
        "nodes": {n["unique_id"]: n for n in NODES},
        "sources": {"source.shop.s.t": SOURCE},
    }
    manifest["disabled"] = {"model.shop.off": [node("off")]}
    return Project(request, read(request), Manifest(manifest), {"models/fal/stub.sql"})


def test_profiles_are_read_with_their_jinja(root, monkeypatch):
    request = {
        "project_dir": str(root),
        "profiles_dir": str(root),
        "vars": {"factor": 9},
        "threads": 7,
    }
    settings = read(request)
    assert (settings.target_name, settings.output["path"], settings.threads) == (
        "dev",
        "f.duckdb",
        7,
    )
    assert (settings.credentials.database, settings.credentials.schema) == ("f", "main")
    assert settings.vars_of("other") == {"factor": 9}
    monkeypatch.setenv("WHERE", "pg")
    credentials = read(request).credentials
    assert (credentials.port, credentials.password, credentials.database) == (5433, "p'w", "db")
    monkeypatch.delenv("PORT")
    with pytest.raises(SessionError, match="Env var required but not provided: 'PORT'"):
        read(request)
    with pytest.raises(SessionError, match="no target `prod`; it has dev, pg"):
        read({**request, "target": "prod"})


def test_sql_is_rendered_with_relations_and_ephemeral_models(project):
    sql = "with q as (select 1) select {{ var('factor') }}, * from {{ ref('quarter') }} join {{ source('s', 't') }}"
    compiled = project.compile_sql(sql)
    assert compiled.reads == ("model.shop.quarter", "source.shop.s.t")
    assert compiled.sql == (
        'with __dbt__cte__half as (\n select x from "f".main."a"\n), __dbt__cte__quarter as (\nselect x from __dbt__cte__half\n)\n'
        'select * from (\nwith q as (select 1) select 2, * from __dbt__cte__quarter join "f".raw.T\n) as fal_inner'
    )
    assert project.compile_sql("{{ ref('stub') }} {{ ref('dim') }} {{ ref('dim', v=1) }}").sql == (
        '"f".main."od""d" "f".main."dim_v2" "f".main."dim.v1"'
    )
    with pytest.raises(SessionError, match="'my_macro' is undefined"):
        project.compile_sql("{{ my_macro() }}")
    with pytest.raises(SessionError, match="is disabled"):
        project.compile_sql("{{ ref('off') }}")
    with pytest.raises(SessionError, match="the project has no such node"):
        project.compile_sql("{{ ref('nothing') }}")


def test_a_word_of_the_command_line_means_one_node(project):
    nodes = project.manifest.nodes
    assert word(nodes["model.shop.a"]) == "fqn:shop.a,resource_type:model,path:models/a.sql"
    strange = Manifest(
        {"metadata": {"project_name": "shop"}, "nodes": {"m": node("a b,c+*")}}
    ).nodes["m"]
    assert word(strange) == "fqn:shop.a?b?c??,resource_type:model,path:models/a?b?c??.sql"
    batch = words.batch({"command": "build", "project_dir": "/p"}, ["x", "y"])
    assert batch[-5:] == ["--indirect-selection", "empty", "--select", "x", "y"]
    state = {"project_dir": "/p", "dbt_args": ["--defer", "--state", "s", "--empty"]}
    assert words.select(state, "state", "modified")[-8:-2] == [
        "--state",
        "s",
        "--output",
        "json",
        "--output-keys",
        "unique_id",
    ]


def test_what_needs_macros_of_dbt_is_refused(project):
    def refused(**more):
        with pytest.raises(SessionError) as caught:
            check_model(project.settings, Manifest({"nodes": {"m": node("m", **more)}}).nodes["m"])
        return caught.value.message

    check_model(project.settings, project.manifest.nodes["model.shop.stub"])
    assert "materialized: incremental of a Python" in refused(fqn=["shop", "deep", "m"])
    assert "grants, an enforced contract of" in refused(
        config={"grants": {"select": ["x"]}, "contract": {"enforced": True}}
    )
    assert "post-hooks in SQL" in refused(config={"post-hook": [{"sql": "select 1"}]})


def test_lines_of_the_log_tell_of_nodes_that_went_well():
    heard, said = [], []
    outbox = SimpleNamespace(
        log=lambda level, text, name=None, node=None: said.append((level, text))
    )
    ear = Ear(outbox, False, heard.append)

    def event(name, level="info", status="success", **data):
        info = {"name": name, "level": level, "msg": f"text of {name}", "thread": "Thread-1"}
        ear.event(
            {"info": info, "data": {"node_info": {"unique_id": "m", "node_status": status}, **data}}
        )

    event("LogStartLine", status="started")
    event("LogModelResult", execution_time=0.5, status="success")
    event("LogModelResult", "error", execution_time=0.5, status="error")
    event("LogTestResult", "warn", execution_time=0.1, status="warn", num_failures=2)
    event("SomeWarning", "warn")
    event("JinjaLogInfo")
    assert [(result["status"], result["failures"]) for result in heard] == [
        ("success", None),
        ("warn", 2),
    ]
    assert said == [("warn", "text of SomeWarning"), ("info", "text of JinjaLogInfo")]
    ear.event(
        {"info": {"name": "AdapterRegistered", "msg": ""}, "data": {"adapter_version": "=1.11.1"}}
    )
    assert ear.adapter_version == "1.11.1"


def test_an_artifact_is_not_written_through_a_link(tmp_path):
    (tmp_path / "theirs").write_text("theirs")
    path = tmp_path / "run_results.json"
    for name in (path, tmp_path / f"run_results.json.fal-{os.getpid()}"):
        name.symlink_to("theirs")
    write_whole(str(path), {"results": []})
    assert (tmp_path / "theirs").read_text() == "theirs"
    assert json.loads(path.read_text()) == {"results": []} and not path.is_symlink()


def test_calls_make_one_artifact(tmp_path):
    artifact = Artifact(str(tmp_path), {"dbt_version": "1"}, {"which": "run"})

    def call(*results):
        keys = {"message": None, "batch_results": None}
        content = {"results": [{**keys, **r} for r in results], "args": {"which": "run", "x": 1}}
        (tmp_path / "run_results.json").write_text(json.dumps(content))
        return [result["unique_id"] for result in artifact.take()]

    hook = {"unique_id": "operation.shop.h", "status": "success"}
    assert call(hook, {"unique_id": "a", "status": "success"}) == ["a"]
    assert call({**hook, "status": "error"}, {"unique_id": "b", "status": "error"}) == ["b"]
    assert call(hook) == []
    assert [hook["status"] for hook in artifact.failed_hooks()] == ["error"]
    artifact.forget()
    assert artifact.take() == []
    artifact.write([{"unique_id": "a", "status": "success", "rows_affected": 3}], "id")
    written = json.loads((tmp_path / "run_results.json").read_text())
    assert [result["unique_id"] for result in written["results"]] == ["operation.shop.h", "a"]
    assert set(written["results"][1]) == {"message", "batch_results", "unique_id", "status"}
    assert (written["args"]["x"], written["metadata"]["invocation_id"]) == (1, "id")


def test_jobs_and_dbt_take_turns_at_a_file():
    released = []
    gate = Gate(False, lambda: released.append(True))
    gate.enter("one")
    inside, go, order = threading.Event(), threading.Event(), []

    def dbt():
        with gate.dbt():
            inside.set()
            go.wait(10)
            order.append("dbt")

    def job():
        gate.enter("two")
        order.append("job")

    caller = threading.Thread(target=dbt)
    caller.start()
    assert not inside.is_set() and not released
    gate.leave("one")
    assert inside.wait(10) and released
    second = threading.Thread(target=job)
    second.start()
    go.set()
    caller.join(10)
    second.join(10)
    assert order == ["dbt", "job"]
    gate.close()
    with pytest.raises(Interrupted):
        gate.enter("three")


def test_a_server_is_used_by_both_at_once():
    gate = Gate(True, lambda: pytest.fail("nothing to release"))
    gate.enter("one")
    with gate.dbt():
        gate.enter("two")


def test_a_script_cannot_write_a_model_that_wants_macros_of_dbt(project):
    from fal_worker.warehouse.finishing import finishing

    plain, granted = (
        Manifest({"nodes": {"m": node("m", config=config)}}).nodes["m"]
        for config in ({}, {"grants": {"select": ["x"]}})
    )
    assert finishing(project, plain, project.relation(None, plain)) is None
    with pytest.raises(SessionError, match="a script cannot write it"):
        finishing(project, granted, project.relation(None, granted))


def test_a_call_hears_events_and_lines_and_ends_when_it_is_cancelled(tmp_path):
    program = tmp_path / "dbt"
    event = {"info": {"name": "X", "level": "error", "msg": "it failed"}}
    program.write_text(
        f"#!/bin/sh\necho '{json.dumps(event)}'\necho printed\n[ \"$1\" = wait ] && exec sleep 60\nexit 2\n"
    )
    program.chmod(0o755)
    dbt, heard, said = Dbt(str(program)), [], []
    ended = dbt.call(["run"], heard.append, said.append)
    assert (ended.code, heard, said, ended.message()) == (2, [event], ["printed"], "it failed")

    answers = []
    caller = threading.Thread(
        target=lambda: answers.append(dbt.call(["wait"], heard.append, lambda line: dbt.cancel()))
    )
    caller.start()
    caller.join(30)
    assert answers[0].code not in (0, 2)
    with pytest.raises(Interrupted):
        dbt.call(["run"], heard.append, said.append)
    with pytest.raises(SessionError, match="did not start"):
        Dbt(str(tmp_path / "nothing")).call([], heard.append, said.append)


def test_dbt_keeps_its_own_python_models_to_itself():
    session = CommandSession({"execute": True}, SimpleNamespace(), "dbt", "asked for")
    with pytest.raises(
        SessionError, match=r"model\.shop\.native is a dbt-native Python model.*no runner can"
    ):
        session.op_run({"unique_id": "model.shop.native", "lend": True})
