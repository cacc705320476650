"""SQL of unit tests: dbt's Jinja renders it with the test's overrides, and an in-memory DuckDB runs it over the given rows.

Jobs use this module, too, so it imports neither dbt nor duckdb when it is loaded."""

from __future__ import annotations

import base64
import copy
import re
from collections import ChainMap
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError, from_exception
from fal_worker.texts import has_jinja

if TYPE_CHECKING:
    import pyarrow

    from fal_worker.engine.invocation import Invocation


def encoded(table: pyarrow.Table) -> str:
    """A table as it travels between session and job: an Arrow stream in base64."""
    import pyarrow

    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return base64.b64encode(sink.getvalue().to_pybytes()).decode()


def local_name(number: int) -> str:
    """The name of a given input in DuckDB."""
    return f"fal_given_{number}"


def connect() -> Any:
    """Opens an in-memory DuckDB that sees its own tables, and no variables of Python. Raises `ModuleNotFoundError`."""
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
    """The rows of a statement, in the types that the gateway gives; a table without columns if there are none."""
    import pyarrow

    from fal_worker.warehouse.duckdb.read import reader_of

    relation = connection.sql(sql)
    if relation is None:
        return pyarrow.table({})
    return reader_of(relation, 100_000).read_all()


def query(invocation: Invocation, unique_id: str, sql: str, whose: str) -> Any:
    """The rows of a fixture in SQL (`format: sql`). `whose` names the fixture in messages."""
    try:
        connection = connect()
    except ModuleNotFoundError:
        raise SessionError(
            "unit_test::no_duckdb",
            f"{whose} are given as SQL, which runs in DuckDB, and DuckDB is not installed beside dbt",
            "Install it (pip install duckdb), or give the rows as `dict` or `csv`.",
        ) from None
    import duckdb

    text = compiled(invocation, unique_id, sql) if has_jinja(sql) else sql
    try:
        with connection:
            return rows(connection, text)
    except duckdb.Error as error:
        raise SessionError("unit_test::sql", f"{whose}, in DuckDB: {error}") from None


def compiled(invocation: Invocation, unique_id: str, sql: str) -> str:
    """SQL of the model under test, as dbt compiles a model in a unit test: a `ref` or `source` becomes a CTE over the
    table of its given rows (`local_name`); vars, macros and environment variables are those of `overrides`."""
    without_dbt = getattr(invocation, "compile_unit_test", None)
    if without_dbt is not None:
        return str(without_dbt(unique_id, sql))
    from dbt.parser.unit_tests import UnitTestManifestLoader

    task = invocation.task
    test = copy.copy(task.manifest.unit_tests[unique_id])
    test.given = [_over_local(given, number) for number, given in enumerate(test.given)]
    model = copy.copy(task.manifest.nodes[test.depends_on.nodes[0]])
    model.raw_code = sql
    changed: Any = _ManifestWith(task.manifest, model)
    try:
        loader = UnitTestManifestLoader(changed, task.config, {unique_id})
        loader.parse_unit_test_case(test)
        manifest = loader.unit_test_manifest
        node = task.compiler.compile_node(manifest.nodes[unique_id], manifest, {}, write=False)
    except Exception as error:
        raise from_exception(error) from None
    if node.this_input_node_unique_id is None and re.search(
        r"\b(from|join|into)\s+None\b", node.compiled_code
    ):
        raise SessionError(
            "unit_test::this",
            f"The SQL reads {{{{ this }}}}, which the unit test {test.name} does not give",
            "Add `input: this` to `given`, with the rows of the model's table.",
        )
    return str(node.compiled_code)


def _over_local(given: Any, number: int) -> Any:
    from dbt.artifacts.resources import UnitTestFormat

    given = copy.copy(given)
    given.format, given.rows = UnitTestFormat.SQL, f"select * from {local_name(number)}"
    return given


class _ManifestWith:
    """dbt's manifest with other code for one model."""

    def __init__(self, manifest: Any, model: Any) -> None:
        self._manifest = manifest
        self.nodes = ChainMap({model.unique_id: model}, manifest.nodes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._manifest, name)
