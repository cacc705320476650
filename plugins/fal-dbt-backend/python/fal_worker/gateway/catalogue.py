"""The lists that user code may ask for: models, their states, sources, and the context of the running model."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from fal_worker.session.errors import SessionError

if TYPE_CHECKING:
    from fal_worker.session.invocation import Invocation

ACTIONS = ("list_models", "list_models_ids", "list_sources", "context")


def answer(invocation: Invocation, name: str, node: Any) -> Any:
    statuses = _statuses(invocation)
    manifest = invocation.task.manifest
    models = [n for n in list(manifest.nodes.values()) if n.resource_type == "model"]
    if name == "list_models":
        return [_model(invocation, n, statuses) for n in models]
    if name == "list_models_ids":
        return {n.unique_id: _status(n, statuses) for n in models}
    if name == "list_sources":
        return [_source(invocation, s) for s in manifest.sources.values()]
    if name == "context":
        return _context(invocation, node, statuses)
    raise SessionError("gateway::op", f"The gateway has no action called {name!r}")


def _statuses(invocation: Invocation) -> dict[str, str]:
    results = [r for r in invocation.task.node_results if getattr(r, "node", None) is not None]
    return {r.node.unique_id: str(getattr(r.status, "value", r.status)) for r in results}


def _status(node: Any, statuses: dict[str, str]) -> str:
    # In a run every model counts as skipped until it has run.
    return statuses.get(node.unique_id, "skipped")


def _columns(node: Any) -> dict[str, Any]:
    return {name: column.to_dict() for name, column in node.columns.items()}


def _tests(invocation: Invocation, unique_id: str) -> list[dict[str, Any]]:
    tests = [n for n in list(invocation.task.manifest.nodes.values()) if n.resource_type == "test"]
    return [
        {"name": t.name, "unique_id": t.unique_id, "column": getattr(t, "column_name", None)}
        for t in tests
        if unique_id in t.depends_on.nodes
    ]


def _model(invocation: Invocation, node: Any, statuses: dict[str, str]) -> dict[str, Any]:
    return {
        "name": node.name,
        "alias": node.alias,
        "unique_id": node.unique_id,
        "database": node.database,
        "schema": node.schema,
        "status": _status(node, statuses),
        "columns": _columns(node),
        "tests": _tests(invocation, node.unique_id),
        # `fal` is ours, not the user's.
        "meta": {key: value for key, value in (node.config.get("meta") or {}).items() if key != "fal"},
    }


def _source(invocation: Invocation, source: Any) -> dict[str, Any]:
    return {
        "name": source.source_name,
        "table_name": source.name,
        "unique_id": source.unique_id,
        "database": source.database,
        "schema": source.schema,
        "identifier": source.identifier,
        "columns": _columns(source),
        "tests": _tests(invocation, source.unique_id),
        "meta": dict(source.meta or {}),
    }


def _context(invocation: Invocation, node: Any, statuses: dict[str, str]) -> dict[str, Any]:
    config = invocation.task.config
    credentials = config.credentials
    return {
        "current_model": _model(invocation, node, statuses),
        "this": str(invocation.adapter.Relation.create_from(config, node)),
        "config": {"target_path": os.path.abspath(config.project_target_path)},
        "target": {
            "name": config.target_name,
            "profile_name": config.profile_name,
            "type": credentials.type,
            "schema": credentials.schema,
            "database": credentials.database,
            "threads": config.threads,
        },
        # Those of all projects and, before them, those of the node's own, as dbt's `var` sees them.
        "vars": dict(config.vars.vars_for(node, credentials.type)) | dict(config.cli_vars or {}),
    }
