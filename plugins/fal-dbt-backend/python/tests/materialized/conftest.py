"""One project on each of two warehouses, with each model in SQL and in Python, fed the same rows."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

import pyarrow as pa
import pytest

pytest.importorskip("dbt.adapters.duckdb")
pytest.importorskip("dbt.adapters.postgres")
pytest.importorskip("adbc_driver_postgresql")

from live.client import Client
from live.fixtures import make_project, sessions, stub
from live.job_client import GatewayError, JobClient
from live.process import Refused
from postgres.conftest import Database, server  # noqa: F401

WAREHOUSES = ("duckdb", "postgres")
INCREMENTAL = {
    "plain": {},
    "appended": {"incremental_strategy": "append"},
    "keyed": {"unique_key": "id"},
    "merged": {"incremental_strategy": "merge", "unique_key": "id"},
    "merged_both": {"incremental_strategy": "merge", "unique_key": ["id", "day"]},
    "replaced": {"incremental_strategy": "delete+insert", "unique_key": "id"},
    "replaced_both": {"incremental_strategy": "delete+insert", "unique_key": ["id", "day"]},
    "narrowed": {
        "incremental_strategy": "delete+insert", "unique_key": "id",
        "incremental_predicates": ["{{ 'id' }} < 3"],
    },
    **{
        f"changed_{change}": {"incremental_strategy": "append", "on_schema_change": change}
        for change in ("ignore", "fail", "append_new_columns")
    },
    "changed_sync_all_columns": {
        "incremental_strategy": "merge", "unique_key": "id", "on_schema_change": "sync_all_columns",
    },
    "unknown": {"incremental_strategy": "nonsense"},
    "never_anew": {"full_refresh": False},
}  # fmt: skip
COUNT = "(select count(*) from {{ this }})"
HOOKS = {
    "pre_hook": [
        {"sql": "insert into heard values ('ahead {{ is_incremental() }}')", "transaction": False},
        "insert into heard values ('inside')",
    ],
    "post_hook": [
        f"insert into heard select 'behind ' || {COUNT}",
        {"sql": "insert into heard values ('after')", "transaction": False},
    ],
}
CONTRACT = {"contract": {"enforced": True}}
KEY = {"name": "id", "data_type": "bigint", "description": "The key; unique"}
COLUMNS = [
    {**KEY, "constraints": [{"type": "not_null"}]},
    {"name": "day", "data_type": "bigint"},
    {"name": "v", "data_type": "text"},
]
FAILING = {"post_hook": ["insert into heard values ('lost')", "select * from nowhere"]}
OTHERS = {
    "hooked": {"materialized": "table", **HOOKS},
    "hooked_rows": {"materialized": "incremental", **HOOKS},
    "failing": {"materialized": "table", **FAILING},
    "failing_rows": {"materialized": "incremental", **FAILING},
    "held": {"materialized": "table", **CONTRACT},
    "held_rows": {
        "materialized": "incremental", "on_schema_change": "append_new_columns", **CONTRACT,
    },
    "granted_rows": {"materialized": "incremental", "grants": {"select": ["reads"]}},
    "described": {
        "materialized": "table", "persist_docs": {"relation": True, "columns": True},
        "indexes": [{"columns": ["id"]}], **HOOKS,
    },
}  # fmt: skip


def schema_file(own: dict[str, dict]) -> str:
    """Builds a schema file: for each configuration a SQL model `sql_NAME` and a Python model
    `py_NAME`.
    """
    models = []
    incremental = {n: {"materialized": "incremental", **c} for n, c in INCREMENTAL.items()}
    for name, config in {**incremental, **OTHERS}.items():
        columns = COLUMNS if name in ("held", "held_rows", "described") else []
        more = {"config": config, "columns": columns, "description": "Rows; of $a$."}
        models += [{"name": f"{kind}_{name}", **more} for kind in ("sql", "py")]
    for name, config in own.items():
        columns = [column for column in COLUMNS if column["name"] != "day" or name == "held_widely"]
        models.append(
            {"name": name, "config": config, "columns": columns if name.startswith("held") else []}
        )
    return json.dumps({"models": [*models, VERSIONED]})


VERSIONED = {
    "name": "dim",
    "latest_version": 2,
    "config": {"materialized": "table"},
    "versions": [{"v": 1}, {"v": 2, "config": {"materialized": "incremental", "unique_key": "id"}}],
}
PERIODS = {"event_time": "day", "batch_size": "day", "begin": "2026-01-01"}
ROWS_BY_ID = {"materialized": "incremental", "unique_key": "id"}
# Python models without a matching SQL model.
OWN = {
    "a_view": {"materialized": "view"},
    "a_batch": {"materialized": "incremental", "incremental_strategy": "microbatch", **PERIODS},
    "a_query": {"materialized": "materialized_view"},
    "moded": ROWS_BY_ID,
    "a_table": {"materialized": "{{ 'table' }}"},
    "by_project": {"unique_key": "id"},
    "customized": {"materialized": "customized"},
    "stored": {"unlogged": True},
    "ahead_fails": {"pre_hook": {"sql": "select * from nowhere", "transaction": False}},
    "ahead": {"pre_hook": {"sql": "insert into heard values ('ahead')", "transaction": False}},
    "held_table": {"materialized": "table", **CONTRACT},
    "sleeps": {"post_hook": "select pg_sleep(600)"},
    # Models of `test_own_table`; no other test file writes them.
    **{
        f"own_{name}": {"materialized": "incremental", **INCREMENTAL[name]}
        for name in ("plain", "appended", "keyed", "merged", "replaced")
    },
    "own_hooked": {"materialized": "table", "post_hook": "select 1"},
    "own_table": {"materialized": "table"},
    "own_stored": {"unlogged": True},
    "held_widely": {**ROWS_BY_ID, "on_schema_change": "fail", **CONTRACT},
}
CUSTOMIZED = """
{% materialization customized, default %}
  {% set target = this.incorporate(type='table') %}
  {% do adapter.drop_relation(target) %}
  {% call statement('main') %} create table {{ target }} as select *, 'customized' as made from ({{ sql }}) as rows {% endcall %}
  {{ adapter.commit() }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}
"""
PROJECT = """
name: shop
version: '1.0'
profile: shop
model-paths: [models]
models:
  +materialized: view
  shop:
    projects:
      +materialized: "{{ 'incremental' }}"
"""


def files() -> dict[str, str]:
    names = [*INCREMENTAL, *OTHERS]
    return {
        "dbt_project.yml": PROJECT,
        "models/schema.yml": schema_file(OWN),
        "macros/customized.sql": CUSTOMIZED,
        **{f"models/sql_{name}.sql": "select * from batch" for name in names},
        **{path: stub() for path in stubs()},
    }


def stubs() -> list[str]:
    own = [f"models/{'projects/' * (name == 'by_project')}fal/{name}.sql" for name in OWN]
    names = [*(f"py_{name}" for name in [*INCREMENTAL, *OTHERS]), "dim_v1", "dim_v2"]
    return [*(f"models/fal/{name}.sql" for name in names), *own]


STEP = {"name": "execute", "started_at": "2026-01-01T00:00:00Z"}
STEP["completed_at"] = "2026-01-01T00:00:01Z"


class ModelClient(Client):
    """Runs models of both kinds, and reads their tables."""

    def close(self, job: JobClient, ok: bool = True, **more: object) -> dict:
        return super().close(job, ok, execution_time=1.0, timing=[STEP], **more)

    def python(self, name: str, table: pa.Table, mode: str | None = None) -> dict:
        """Runs a whole job that writes the table; returns its recorded result."""
        try:
            return self.write(table, f"model.shop.{name}", mode=mode)
        except (Refused, GatewayError) as error:
            return {"status": "error", "message": error.message}

    def sql(self, name: str, table: pa.Table) -> dict:
        """Writes the same rows through dbt's own model, which selects all of `batch`."""
        written = self.python("batch", table)
        assert written["status"] == "success", written
        return self.session.run(f"model.shop.{name}")

    def run(self, sql: str) -> None:
        self.looker.sql(sql, raw=True)

    def table(self, name: str) -> tuple[list, list]:
        """Returns the columns with their types, and sorted rows; both are empty if there is no such
        table.
        """
        where = f"where table_name = '{name}' order by ordinal_position"
        columns = self.query(
            f"select column_name::text, data_type::text from information_schema.columns {where}"
        )
        return columns, sorted(self.query(f"select * from {name}"), key=repr) if columns else []

    def heard(self) -> list[str]:
        """Returns what hooks have recorded since the last call."""
        records = [row[0] for row in self.query("select t from heard")]
        self.run("delete from heard")
        return records

    def left_over(self) -> list[tuple]:
        return self.query(
            "select table_name::text from information_schema.tables where table_name like '%fal_stage%'"
        )


def same(message: str | None) -> str:
    """Removes from a message what differs between the two kinds of model."""
    text = re.sub(r"models/fal/", "models/", message or "")
    text = re.sub(r"\b(sql|py)_(\w+)", r"m_\2", text)
    return re.sub(r"__dbt_tmp\w*|LINE \d+.*", "", text, flags=re.DOTALL)


@pytest.fixture(scope="session")
def projects(tmp_path_factory, request):
    """The folder of each warehouse's project."""
    made: dict[str, Path] = {}

    def project(warehouse: str) -> Path:
        if warehouse not in made:
            more = files()
            if warehouse == "postgres":
                more["profiles.yml"] = Database(request.getfixturevalue("server")).profile()
            more["models/fal/batch.sql"] = stub()
            made[warehouse] = make_project(tmp_path_factory.mktemp(warehouse) / "project", more)
        return made[warehouse]

    return project


@pytest.fixture(scope="module", params=WAREHOUSES)
def client(request, projects):
    """A new client for each test file, whose models start without tables."""
    with clients(projects(request.param), request.param) as opened:
        yield opened()


@contextlib.contextmanager
def clients(project: Path, warehouse: str):
    with sessions(project) as start:

        def open_client(**options) -> ModelClient:
            session = start(**options)
            session.load("models/fal/batch.sql", *stubs())
            session.ask("begin", selected=session.runnable())
            return ModelClient(session, warehouse)

        yield open_client
