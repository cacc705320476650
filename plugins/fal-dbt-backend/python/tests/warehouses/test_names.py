"""Adding a warehouse is adding a folder: no other module of the worker knows the name of an adapter."""

from __future__ import annotations

import ast
from pathlib import Path

WORKER = Path(__file__).parents[2] / "fal_worker"
ADAPTERS = {
    "athena", "bigquery", "databricks", "duckdb", "fabric", "postgres", "redshift", "snowflake", "spark", "sqlite", "sqlserver", "trino",
}  # fmt: skip
# Folders of warehouses, and the engine that drives dbt by its commands, which knows two profiles.
OWN = ("warehouse/duckdb/", "warehouse/postgres/", "warehouse/generic/", "warehouse/cloud/")
EXEMPT = (*OWN, "engine/commands/")
# What has to do with DuckDB as a library, whichever warehouse the project is on: its frames, and the
# session of its own that a job gives dbt's kind of Python model.
MODULES = {"job/frames.py": {"duckdb"}, "job/native.py": {"duckdb"}}


def _texts(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_no_module_outside_of_the_folders_names_an_adapter():
    found = {}
    for path in WORKER.rglob("*.py"):
        name = path.relative_to(WORKER).as_posix()
        if not name.startswith(EXEMPT):
            named = (_texts(path) & ADAPTERS) - MODULES.get(name, set())
            if named:
                found[name] = named
    assert found == {}


def test_the_folders_do_name_them():
    """So that the test above looks for what there is."""
    known = {path.stem for path in (WORKER / "warehouse/cloud").glob("*.py")}
    known |= {path.parent.name for path in (WORKER / "warehouse").glob("*/facts.py")}
    from fal_worker.warehouse.generic.facts import KNOWN

    assert known | set(KNOWN) >= ADAPTERS
