"""SQL of unit tests: dbt's Jinja renders it with the test's overrides, and an in-memory DuckDB runs it over the given rows."""

from __future__ import annotations

import copy
import re
from collections import ChainMap
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError, from_exception
from fal_worker.texts import has_jinja

from . import local_duckdb

if TYPE_CHECKING:
    from fal_worker.engine.invocation import Invocation


def local_name(number: int) -> str:
    """What a given input is called in DuckDB."""
    return f"fal_given_{number}"


def query(invocation: Invocation, unique_id: str, sql: str, whose: str) -> Any:
    """The rows of SQL that is a fixture (`format: sql`)."""
    try:
        connection = local_duckdb.connect()
    except ModuleNotFoundError:
        told = f"{whose} are given as SQL, which runs in DuckDB, and DuckDB is not installed beside dbt"
        hint = "Install it (pip install duckdb), or give the rows as `dict` or `csv`."
        raise SessionError("unit_test::no_duckdb", told, hint) from None
    import duckdb

    text = compiled(invocation, unique_id, sql) if has_jinja(sql) else sql
    try:
        with connection:
            return local_duckdb.rows(connection, text)
    except duckdb.Error as error:
        raise SessionError("unit_test::sql", f"{whose}, in DuckDB: {error}") from None


def compiled(invocation: Invocation, unique_id: str, sql: str) -> str:
    """SQL of the model under test, as dbt compiles a model in a unit test: what it refers to is a CTE over a table of the
    given rows (`local_name`), and vars, macros and variables of the environment are those of `overrides`."""
    without_dbt = getattr(invocation, "compile_unit_test", None)
    if without_dbt is not None:
        return str(without_dbt(unique_id, sql))
    from dbt.parser.unit_tests import UnitTestManifestLoader

    task = invocation.task
    test = copy.copy(task.manifest.unit_tests[unique_id])
    test.given = [_over_local(given, number) for number, given in enumerate(test.given)]
    model = copy.copy(task.manifest.nodes[test.depends_on.nodes[0]])
    model.raw_code = sql
    shown: Any = _Shown(task.manifest, model)
    try:
        loader = UnitTestManifestLoader(shown, task.config, {unique_id})
        loader.parse_unit_test_case(test)
        manifest = loader.unit_test_manifest
        node = task.compiler.compile_node(manifest.nodes[unique_id], manifest, {}, write=False)
    except Exception as error:
        raise from_exception(error) from None
    if node.this_input_node_unique_id is None and re.search(
        r"\b(from|join|into)\s+None\b", node.compiled_code
    ):
        told = f"The SQL reads {{{{ this }}}}, which the unit test {test.name} does not give"
        raise SessionError(
            "unit_test::this",
            told,
            "Add `input: this` to `given`, with the rows of the model's table.",
        )
    return str(node.compiled_code)


def _over_local(given: Any, number: int) -> Any:
    from dbt.artifacts.resources import UnitTestFormat

    given = copy.copy(given)
    given.format, given.rows = UnitTestFormat.SQL, f"select * from {local_name(number)}"
    return given


class _Shown:
    """dbt's manifest with other code for one model."""

    def __init__(self, manifest: Any, model: Any) -> None:
        self._manifest = manifest
        self.nodes = ChainMap({model.unique_id: model}, manifest.nodes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._manifest, name)
