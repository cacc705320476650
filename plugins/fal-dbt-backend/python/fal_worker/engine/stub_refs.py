"""Shows stubs to dbt as tables while fal-host runs it.

To dbt alone a stub is ephemeral: it puts `with __dbt__cte__x as (select * from the table)` in front
of what reads it. In SQL that is a detour, in a dbt-native Python model a syntax error, and in an
operation dbt refuses it. Here the table is known. So dbt is shown a node that is materialized as a
table, and resolves it by its own rules: `--empty`, `--defer`, `--favor-state`.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

from fal_worker.project.interface import open_relation


@contextlib.contextmanager
def as_tables(stubs: set[str]) -> Iterator[None]:
    """While active, `ref` of a node in `stubs` returns the relation that its Python model writes."""
    from dbt.context import providers

    classes = [providers.RuntimeRefResolver, providers.OperationRefResolver]
    originals = [
        (cls, cls.__dict__["create_relation"])
        for cls in classes
        if "create_relation" in cls.__dict__
    ]
    for cls, original in originals:
        cls.create_relation = _direct(original, stubs)
    try:
        yield
    finally:
        for cls, original in originals:
            cls.create_relation = original


@contextlib.contextmanager
def listed_as_tables(manifest: Any, stubs: set[str]) -> Iterator[None]:
    """While active, the manifest's nodes in `stubs` are tables, for steps of dbt that skip
    ephemeral nodes.
    """
    nodes = manifest.nodes
    manifest.nodes = {
        **nodes,
        **{unique_id: _table(nodes[unique_id]) for unique_id in stubs & nodes.keys()},
    }
    try:
        yield
    finally:
        manifest.nodes = nodes


def defer_stubs(deferred: Any, stubs: set[str]) -> None:
    """Turns stubs in an earlier state's manifest into tables, since dbt defers only to
    non-ephemeral nodes.
    """
    for unique_id in stubs & deferred.nodes.keys():
        deferred.nodes[unique_id] = _table(deferred.nodes[unique_id])


def _direct(original: Any, stubs: set[str]) -> Any:
    from dbt import selected_resources
    from dbt.context.providers import RuntimeUnitTestRefResolver

    def create_relation(resolver: Any, target_model: Any) -> Any:
        if (own := open_relation(target_model.unique_id)) is not None:
            return own
        # In a unit test the node with a stub's id is the fixture, which is ephemeral: the given
        # rows, not the table.
        is_given = isinstance(resolver, RuntimeUnitTestRefResolver)
        if is_given or target_model.unique_id not in stubs or not target_model.is_ephemeral_model:
            return original(resolver, target_model)

        table = _table(target_model)
        if table.unique_id in selected_resources.SELECTED_RESOURCES:
            # It ran before whatever reads it. dbt's cache of relations need not know.
            table.defer_relation = None
        return original(resolver, table)

    return create_relation


def _table(node: Any) -> Any:
    """Copies a node with another materialization; everything else is shared."""
    table = copy.copy(node)
    table.config = copy.copy(node.config)
    table.config.materialized = "table"
    return table
