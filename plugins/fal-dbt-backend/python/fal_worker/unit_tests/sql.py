"""SQL of unit tests: an in-memory DuckDB runs it over the given rows.

Jobs use this module, too, so it imports neither dbt nor duckdb when it is loaded."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow


def encoded(table: pyarrow.Table) -> str:
    """A table as it travels between session and job: an Arrow stream in base64."""
    import pyarrow

    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return base64.b64encode(sink.getvalue().to_pybytes()).decode()


def connect() -> Any:
    """Opens an in-memory DuckDB that sees its own tables, and no variables of Python.

    Raises `ModuleNotFoundError`.
    """
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
    """The rows of a statement, in the types that the gateway gives; a table without columns if
    there are none.
    """
    import pyarrow

    from fal_worker.warehouse.duckdb.read import reader_of

    relation = connection.sql(sql)
    if relation is None:
        return pyarrow.table({})
    return reader_of(relation, 100_000).read_all()
