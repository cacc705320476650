"""An in-memory DuckDB that stands in for the warehouse in unit tests: rows of SQL in the types that the gateway gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow


def connect() -> Any:
    """A database that sees its own tables, and no variables of Python. Raises `ModuleNotFoundError`."""
    import duckdb

    connection = duckdb.connect(":memory:")
    # Releases before 1.1 do not know the setting.
    for setting in ("python_enable_replacements", "python_scan_all_frames"):
        if connection.execute(
            "select 1 from duckdb_settings() where name = ?", [setting]
        ).fetchall():
            connection.execute(f"set {setting} = false")
    return connection


def rows(connection: Any, sql: str) -> pyarrow.Table:
    """The rows of a statement; a table without columns, if it gives none."""
    import pyarrow

    from fal_worker.warehouse.duckdb.read import reader_of

    relation = connection.sql(sql)
    if relation is None:
        return pyarrow.table({})
    return reader_of(relation, 100_000).read_all()
