"""Adding a warehouse only adds a folder: no other module of the worker names an adapter."""

import ast
from pathlib import Path

WORKER = Path(__file__).parents[2] / "fal_worker"
ADAPTERS = {
    "athena", "bigquery", "databricks", "duckdb", "fabric", "postgres", "redshift", "snowflake", "spark", "sqlite", "sqlserver", "trino",
}  # fmt: skip
# Folders of warehouses, and the project over manifest.json, which knows two profiles.
OWN = ("warehouse/duckdb/", "warehouse/postgres/", "warehouse/generic/", "warehouse/cloud/")
EXEMPT = (*OWN, "engine/manifest/")
# Modules that use DuckDB as a library, whichever warehouse the project uses: its frames, and the
# separate DuckDB connection that a job passes to dbt-native models as `session`.
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
    """Ensures that the test above searches for the names that exist."""
    known = {path.stem for path in (WORKER / "warehouse/cloud").glob("*.py")}
    known |= {path.parent.name for path in (WORKER / "warehouse").glob("*/facts.py")}
    from fal_worker.warehouse.generic.facts import KNOWN

    assert known | set(KNOWN) >= ADAPTERS
