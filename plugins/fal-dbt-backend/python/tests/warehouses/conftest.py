"""A warehouse over one of dbt's real adapters, without a session."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from fal_worker.warehouse.contract import Opened
from fal_worker.warehouse.generic.facts import generic_facts
from fal_worker.warehouse.registry import facts_of

DUCKDB = "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, threads: 4}}}"
SLOW = {
    "duckdb": "select count(*) from range(1000000) a, range(1000000) b where a.range + b.range = -1",
    "postgres": "select pg_sleep(120)",
    "sqlite": "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n",
}
SQLITE = (
    "shop: {target: dev, outputs: {dev: {type: sqlite, database: database, schema: main, threads: 4, "
    "schemas_and_paths: {main: shop.db}, schema_directory: .}}}"
)
# Types that SQLite does not have.
OF_SQLITE = frozenset(["exact", "flag", "day", "at", "instant"])

if find_spec("psycopg2") is not None:
    from postgres.conftest import server  # noqa: F401


def adapter_of(kind: str, profile: str, root: Path) -> Any:
    """Returns dbt's adapter for a parsed project."""
    from dbt.adapters.factory import get_adapter_by_type
    from dbt.cli.main import dbtRunner

    root.mkdir(exist_ok=True)
    (root / "dbt_project.yml").write_text("name: shop\nprofile: shop\nversion: '1.0'\n")
    (root / "profiles.yml").write_text(profile)
    before = os.getcwd()
    os.chdir(root)
    try:
        parsed = dbtRunner().invoke(
            ["parse", "--project-dir", str(root), "--profiles-dir", str(root), "--quiet"]
        )
    finally:
        os.chdir(before)
    assert parsed.success, parsed.exception
    return get_adapter_by_type(kind)


@pytest.fixture(scope="module", params=["duckdb", "postgres", "sqlite", "duckdb, general path"])
def opened(request, tmp_path_factory):
    kind, general = request.param.partition(",")[::2]
    if find_spec(f"dbt.adapters.{kind}") is None:
        pytest.skip(f"dbt-{kind} is not installed here")
    database, schema, profile = None, "main", SQLITE if kind == "sqlite" else DUCKDB
    if kind == "postgres":
        from postgres.conftest import Database

        database = Database(request.getfixturevalue("server"))
        profile, schema = database.profile(), "public"
    root = tmp_path_factory.mktemp("contract")
    before = os.getcwd()
    os.chdir(root)
    adapter = adapter_of(kind, profile, root)
    facts = facts_of(kind)
    if general:
        facts = generic_facts(facts.dialect)

    def relation(name: str) -> Any:
        place = {"database": adapter.config.credentials.database, "schema": schema}
        quoting = adapter.config.quoting
        return adapter.Relation.create(**place, identifier=name, quote_policy=quoting)

    yield Opened(
        facts.open(adapter), relation, SLOW[kind], OF_SQLITE if kind == "sqlite" else frozenset()
    )
    os.chdir(before)
    adapter.cleanup_connections()
    if database is not None:
        database.drop()
