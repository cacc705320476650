"""SQL with Jinja that belongs to no node: compiled as dbt compiles a model, refs, macros and vars
included.
"""

from __future__ import annotations

import copy
import re
import threading
import uuid
from collections import ChainMap
from typing import Any

from fal_worker.errors import SessionError, from_exception

from .interface import Compiled, given_name, open_relation
from .leased_jinja import restrict

# Parsing puts the text into the manifest for a moment, so two texts must not be parsed at once.
_LOCK = threading.Lock()


def compile_sql(
    task: Any, adapter: Any, sql: str, of: Any = None, leased: frozenset[str] | None = None
) -> Compiled:
    """Implements `Project.compile_sql`.

    To be called with dbt's context set (`LiveProject.within`).
    """
    from dbt.parser.manifest import process_node

    manifest, name = task.manifest, "fal_inline_" + uuid.uuid4().hex
    with adapter.connection_named(name):
        with _LOCK:
            parser = _parser(leased)(
                project=task.config, manifest=manifest, root_project=task.config
            )
            node: Any = parser.parse_remote(sql, name)
            try:
                process_node(task.config, manifest, node)
                node = manifest.nodes.get(node.unique_id, node)
            finally:
                manifest.nodes.pop(node.unique_id, None)
        if of is not None:
            place = _place(of, sql)
            node.database, node.schema, node.alias = place
        compiler = task.compiler if leased is None else _compiler(task, node, leased)
        node = compiler.compile_node(node, manifest, {}, write=False)
        return Compiled(node.compiled_code, tuple(node.depends_on.nodes), bool(node.extra_ctes))


def _place(of: Any, sql: str) -> tuple[Any, Any, Any]:
    """What `this` names: where the node's own write is open, the rows just written."""
    own = open_relation(of.unique_id) if "this" in sql else None
    if own is None:
        return of.database, of.schema, of.alias
    if isinstance(own, str):
        raise SessionError(
            "gateway::own_table",
            "After its write an appending model can read its rows by `ref` but not by `this`: they are in two tables",
            f"Read them with `ref({of.name!r})`.",
        )
    return own.database, own.schema, own.identifier


def _parser(leased: frozenset[str] | None) -> Any:
    from dbt.parser.sql import SqlBlockParser

    if leased is None:
        return SqlBlockParser
    allowed = leased

    class Parser(SqlBlockParser):
        def _context_for(self, *args: Any) -> dict[str, Any]:
            return restrict(lambda: super(Parser, self)._context_for(*args), allowed)

    return Parser


def _compiler(task: Any, inline: Any, leased: frozenset[str]) -> Any:
    """Restricted for the text alone: ephemeral models that it reads are the project's."""

    class Compiler(type(task.compiler)):  # type: ignore[misc]
        def _create_node_context(self, node: Any, *args: Any) -> dict[str, Any]:
            make = super()._create_node_context
            return (
                restrict(lambda: make(node, *args), leased) if node is inline else make(node, *args)
            )

    return Compiler(task.config)


def compile_unit_test(task: Any, unique_id: str, sql: str) -> str:
    """Implements `Project.compile_unit_test` as dbt compiles a model in a unit test: what the SQL
    refers to is a CTE over a table of the given rows, and vars, macros and environment variables
    are those of `overrides`.
    """
    from dbt.parser.unit_tests import UnitTestManifestLoader

    test = copy.copy(task.manifest.unit_tests[unique_id])
    test.given = [_over_local(given, number) for number, given in enumerate(test.given)]
    model = copy.copy(task.manifest.nodes[test.depends_on.nodes[0]])
    model.raw_code = sql
    shown: Any = _WithCode(task.manifest, model)
    try:
        loader = UnitTestManifestLoader(shown, task.config, {unique_id})
        loader.parse_unit_test_case(test)
        manifest = loader.unit_test_manifest
        node = task.compiler.compile_node(manifest.nodes[unique_id], manifest, {}, write=False)
    except Exception as error:  # noqa: BLE001 (raised again)
        raise from_exception(error) from None
    if node.this_input_node_unique_id is None and re.search(
        r"\b(from|join|into)\s+None\b", node.compiled_code
    ):
        message = f"The SQL reads {{{{ this }}}}, which the unit test {test.name} does not give"
        raise SessionError(
            "unit_test::this",
            message,
            "Add `input: this` to `given`, with the rows of the model's table.",
        )
    return str(node.compiled_code)


def _over_local(given: Any, number: int) -> Any:
    from dbt.artifacts.resources import UnitTestFormat

    given = copy.copy(given)
    given.format, given.rows = UnitTestFormat.SQL, f"select * from {given_name(number)}"
    return given


class _WithCode:
    """dbt's manifest with other code for one model."""

    def __init__(self, manifest: Any, model: Any) -> None:
        self._manifest = manifest
        self.nodes = ChainMap({model.unique_id: model}, manifest.nodes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._manifest, name)
