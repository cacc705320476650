"""The context of a running model or script: its model, the target, the vars."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .reads import node_of, reader_of

if TYPE_CHECKING:
    from fal_worker.engine.invocation import Invocation

    from .catalogue import Catalogue
    from .jobs import Job


def context(invocation: Invocation, catalogue: Catalogue, job: Job) -> dict[str, Any]:
    """A global script has no model, and no `this`."""
    config = invocation.task.config
    credentials = config.credentials
    node = node_of(invocation, job)
    relation = None if node is None else invocation.adapter.Relation.create_from(config, node)
    return {
        "current_model": None if node is None else catalogue.model(node),
        "this": None if relation is None else str(relation),
        "config": {"target_path": os.path.abspath(config.project_target_path)},
        "project": {"name": config.project_name, "path": os.path.abspath(config.project_root)},
        "target": {
            "name": config.target_name,
            "profile_name": config.profile_name,
            "type": credentials.type,
            "schema": credentials.schema,
            "database": credentials.database,
            "threads": config.threads,
        },
        # Those of all projects and, before them, those of the node's own, as dbt's `var` sees them.
        "vars": dict(config.vars.vars_for(reader_of(invocation, job), credentials.type))
        | dict(config.cli_vars or {}),
    }
