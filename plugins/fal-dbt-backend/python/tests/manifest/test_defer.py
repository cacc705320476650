"""`--defer` for what Python models read, over a DuckDB file."""

from __future__ import annotations

import json

import pytest
from fal_worker.engine.manifest.nodes import Manifest
from fal_worker.engine.manifest.project import Project
from fal_worker.engine.manifest.settings import Settings
from fal_worker.errors import SessionError

duckdb = pytest.importorskip("duckdb")


def manifest(schema):
    def node(name, materialized="table"):
        return {
            "unique_id": f"model.shop.{name}",
            "name": name,
            "alias": name,
            "resource_type": "model",
            "package_name": "shop",
            "database": "f",
            "schema": schema,
            "original_file_path": f"models/fal/{name}.sql",
            "config": {"materialized": materialized},
        }

    nodes = [node("a"), node("stub", "ephemeral"), node("sql", "ephemeral"), node("new")]
    return {
        "metadata": {"project_name": "shop"},
        "nodes": {each["unique_id"]: each for each in nodes},
    }


@pytest.fixture
def read(tmp_path, monkeypatch):
    (tmp_path / "state").mkdir()
    state = manifest("prod")
    del state["nodes"]["model.shop.new"]
    (tmp_path / "state/manifest.json").write_text(json.dumps(state))
    path = str(tmp_path / "f.duckdb")
    duckdb.connect(path).execute("create table a as select 1 as x").close()
    for name in ("DBT_DEFER", "DBT_STATE", "DBT_DEFER_STATE", "DBT_FAVOR_STATE"):
        monkeypatch.delenv(name, raising=False)

    def read(words, *selected):
        output = {"type": "duckdb", "path": path}
        settings = Settings({"name": "shop"}, str(tmp_path), "shop", "dev", output, "", {})
        request = {"project_dir": str(tmp_path), "command": "run", "dbt_args": words.split()}
        project = Project(request, settings, Manifest(manifest("main")), {"models/fal/stub.sql"})
        project.selected = {f"model.shop.{name}" for name in selected}
        sql = "{{ ref('a') }} {{ ref('stub') }} {{ ref('new') }}"
        schemas = [name.split(".")[1].strip('"') for name in project.compile_sql(sql).sql.split()]
        project.adapter.release()
        return " ".join(schemas)

    return read


def test_what_is_missing_here_is_read_from_the_state(read, tmp_path, monkeypatch):
    state = f"--state {tmp_path}/state"
    assert read(state) == "main main main"
    assert read(f"--defer {state} --no-defer") == "main main main"
    assert read(f"--defer {state}") == "main prod main"
    assert read("--defer --state nowhere --defer-state=state") == "main prod main"
    assert read(f"--defer {state}", "stub") == "main main main"
    assert read(f"--defer --favor-state {state}") == "prod prod main"
    assert read(f"--defer --favor-state {state}", "a") == "main prod main"
    for words, message in (
        ("", "are required"),
        ("--state nowhere", "no manifest.json in nowhere"),
    ):
        with pytest.raises(SessionError, match=message):
            read(f"--defer {words}")
    monkeypatch.setenv("DBT_DEFER", "1")
    monkeypatch.setenv("DBT_STATE", "state")
    assert read("") == "main prod main"
