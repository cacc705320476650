"""The project over manifest.json, without dbt: settings, relations, SQL and what is refused."""

from __future__ import annotations

import pytest
from fal_worker.engine.manifest.configured import Configured
from fal_worker.engine.manifest.duckdb_file import DuckDBFile
from fal_worker.engine.manifest.nodes import Manifest
from fal_worker.engine.manifest.project import Project
from fal_worker.engine.manifest.settings import Settings
from fal_worker.errors import SessionError

PROJECT = {
    "name": "shop",
    "profile": "shop",
    "quoting": {"schema": False},
    "vars": {"factor": 2, "other": {"factor": 3}},
}


def settings(output, vars=None, root="/p"):
    return Settings(PROJECT, root, "shop", "dev", output, "/p/target", vars or {"factor": 9})


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
def project(tmp_path):
    manifest = {
        "metadata": {"project_name": "shop"},
        "nodes": {n["unique_id"]: n for n in NODES},
        "sources": {"source.shop.s.t": SOURCE},
        "disabled": {"model.shop.off": [node("off")]},
    }
    of_target = Settings(
        PROJECT, str(tmp_path), "shop", "dev", {"type": "duckdb", "path": "f.duckdb"}, "", {}
    )
    request = {"project_dir": str(tmp_path), "command": "run"}
    return Project(request, of_target, Manifest(manifest), {"models/fal/stub.sql"})


def test_credentials_have_the_names_of_the_adapters():
    duckdb = settings({"type": "duckdb", "path": "f.duckdb"})
    assert (duckdb.credentials.database, duckdb.credentials.schema) == ("f", "main")
    assert duckdb.vars_of("other") == {"factor": 9}
    postgres = settings({"type": "postgres", "port": "5433", "pass": "p'w", "dbname": "db"})
    credentials = postgres.credentials
    assert (credentials.port, credentials.password, credentials.database) == (5433, "p'w", "db")


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


def test_what_needs_macros_of_dbt_is_refused():
    def configured(name, own=False, **more):
        model = Manifest({"nodes": {"m": node("m", **more)}}).nodes["m"]
        return Configured.read(model, {"name": name, "is_own": own})

    def refused(name, **config):
        with pytest.raises(SessionError) as caught:
            configured(name, config=config)
        return caught.value.message

    views = [configured("view", own) for own in (True, False)]
    assert [(each.name, each.wanted_view) for each in views] == [("table", True), ("table", False)]
    assert configured("incremental").name == "incremental"
    assert "microbatch cuts SQL" in refused("incremental", incremental_strategy="microbatch")
    assert "'mine' is a macro" in refused("incremental", incremental_strategy="mine")
    assert "materialized: mine, sql_header, unlogged of" in refused(
        "mine", sql_header="x", unlogged=True
    )


@pytest.mark.parametrize(
    ("options", "expected"), [({}, "v1.0.0+"), ({"storage_compatibility_version": "latest"}, None)]
)
def test_the_duckdb_of_dbt_2_reads_a_new_file(tmp_path, options, expected):
    import duckdb

    path = tmp_path / "new.duckdb"
    output = {"type": "duckdb", "path": str(path), "config_options": options}
    file = DuckDBFile(settings(output).credentials)
    file.handle().close()
    file.close()
    with duckdb.connect(str(path)) as connection:
        (tags,) = connection.execute(
            "select tags from duckdb_databases() where database_name = 'new'"
        ).fetchone()
    assert expected in (None, tags["storage_version"])
