"""SQL with Jinja that belongs to no node: compiled as dbt compiles a model, refs, macros and vars included."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from typing import Any

from .invocation import Invocation

# Parsing puts the text into the manifest for a moment.
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Compiled:
    """SQL ready for the warehouse, and the nodes that it reads."""

    sql: str
    reads: tuple[str, ...]
    # Whether it begins with the SQL of ephemeral models.
    has_ctes: bool = False


def compile_sql(invocation: Invocation, sql: str, of: Any = None) -> Compiled:
    """To be called with dbt's context set (`Invocation.within`). `this` is the relation of the node `of`."""
    if (without_dbt := getattr(invocation, "compile_sql", None)) is not None:
        return without_dbt(sql, of)
    from dbt.parser.manifest import process_node
    from dbt.parser.sql import SqlBlockParser

    task, manifest = invocation.task, invocation.task.manifest
    adapter, name = invocation.adapter, "fal_inline_" + uuid.uuid4().hex
    with adapter.connection_named(name):
        with _LOCK:
            parser = SqlBlockParser(project=task.config, manifest=manifest, root_project=task.config)
            node: Any = parser.parse_remote(sql, name)
            try:
                process_node(task.config, manifest, node)
                node = manifest.nodes.get(node.unique_id, node)
            finally:
                manifest.nodes.pop(node.unique_id, None)
        if of is not None:
            node.database, node.schema, node.alias = of.database, of.schema, of.alias
        node = task.compiler.compile_node(node, manifest, {}, write=False)
        return Compiled(node.compiled_code, tuple(node.depends_on.nodes), bool(node.extra_ctes))
