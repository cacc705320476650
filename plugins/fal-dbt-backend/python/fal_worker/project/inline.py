"""SQL with Jinja that belongs to no node: compiled as dbt compiles a model, refs, macros and vars included."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from typing import Any

from fal_worker.engine.invocation import Invocation
from fal_worker.engine.stub_refs import open_relation
from fal_worker.errors import SessionError

from .leased_jinja import restrict

# Parsing puts the text into the manifest for a moment.
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Compiled:
    """SQL ready for the warehouse, and the nodes that it reads."""

    sql: str
    reads: tuple[str, ...]
    # Whether it begins with the SQL of ephemeral models.
    has_ctes: bool = False


def compile_sql(
    invocation: Invocation, sql: str, of: Any = None, leased: frozenset[str] | None = None
) -> Compiled:
    """To be called with dbt's context set (`Invocation.within`). `this` is the relation of the node `of`. Of the text of a leased job
    `leased` are the variables of the environment that it may read."""
    if (without_dbt := getattr(invocation, "compile_sql", None)) is not None:
        return without_dbt(sql, of, leased)
    from dbt.parser.manifest import process_node

    task, manifest = invocation.task, invocation.task.manifest
    adapter, name = invocation.adapter, "fal_inline_" + uuid.uuid4().hex
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

    class Parser(SqlBlockParser):  # type: ignore[misc]
        def _context_for(self, *args: Any) -> dict[str, Any]:
            return restrict(lambda: super(Parser, self)._context_for(*args), leased)

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
