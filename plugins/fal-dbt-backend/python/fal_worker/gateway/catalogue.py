"""The lists that user code may ask for: models, their states, sources, tests, features."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.project.interface import table_of
from fal_worker.warehouse.registry import facts_of

from .reads import node_of, reader_of

if TYPE_CHECKING:
    from fal_worker.project.interface import Project

    from .jobs import Job


def answer(project: Project, name: str, job: Job) -> Any:
    """Answers the action `name` of `job`."""
    catalogue = Catalogue(project)
    if name == "list_models":
        return [catalogue.model(node) for node in catalogue.models()]
    if name == "list_models_ids":
        return {node.unique_id: catalogue.status(node) for node in catalogue.models()}
    if name == "list_sources":
        return [catalogue.source(source) for source in project.manifest.sources.values()]
    if name == "list_tests":
        return [catalogue.test(test) for test in catalogue.tests()]
    if name == "list_features":
        return list(catalogue.features())
    if name == "context":
        return _context(project, catalogue, job)
    if name == "warehouse":
        return {"has_structs": facts_of(project.adapter.type()).has_structs}
    raise SessionError("gateway::op", f"The gateway has no action called {name!r}")


class Catalogue:
    """The project at this moment of the run."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._nodes = list(project.manifest.nodes.values())
        self._outcomes = project.outcomes.all()
        self._keyword = project.keyword
        self._by_parent: dict[str, list[Any]] = {}
        for test in self.tests():
            for parent in test.depends_on.nodes:
                self._by_parent.setdefault(parent, []).append(test)

    @cached_property
    def _freshness(self) -> dict[str, Any]:
        return _last_freshness(
            os.path.join(self._project.config.project_target_path, "sources.json")
        )

    def models(self) -> list[Any]:
        return [node for node in self._nodes if node.resource_type == "model"]

    def tests(self) -> list[Any]:
        return [node for node in self._nodes if node.resource_type == "test"]

    def status(self, node: Any) -> str:
        """The status of a node: its own, or `tested` if only its tests ran.

        In a run every model counts as skipped until it has run.
        """
        outcome = self._outcomes.get(node.unique_id)
        if outcome is not None:
            return str(outcome["status"])
        ran = (
            self._outcomes.get(test.unique_id) for test in self._by_parent.get(node.unique_id, ())
        )
        return (
            "tested"
            if any(test is not None and test["status"] != "skipped" for test in ran)
            else "skipped"
        )

    def adapter_response(self, node: Any) -> dict[str, Any] | None:
        outcome = self._outcomes.get(node.unique_id)
        response = outcome["adapter_response"] if outcome is not None else None
        if not response:
            return None
        message = response.get("_message", response.get("message"))
        return {
            "message": str(message),
            "code": response.get("code"),
            "rows_affected": response.get("rows_affected"),
        }

    def model(self, node: Any) -> dict[str, Any]:
        return {
            "name": node.name,
            "alias": node.alias,
            "unique_id": node.unique_id,
            "package_name": node.package_name,
            "database": node.database,
            "schema": node.schema,
            "version": getattr(node, "version", None),
            "description": node.description,
            "path": node.original_file_path.replace("\\", "/"),
            "tags": list(node.tags),
            "depends_on": list(getattr(node.depends_on, "nodes", ())),
            "status": self.status(node),
            "columns": _columns(node),
            "tests": self._tests_of(node),
            "meta": self._meta(node),
            "adapter_response": self.adapter_response(node),
        }

    def source(self, source: Any) -> dict[str, Any]:
        return {
            "name": source.source_name,
            "source_name": source.source_name,
            "table_name": source.name,
            "unique_id": source.unique_id,
            "package_name": source.package_name,
            "database": source.database,
            "schema": source.schema,
            "identifier": source.identifier,
            "description": source.description,
            "columns": _columns(source),
            "tests": self._tests_of(source),
            "meta": self._meta(source),
            "status": self.status(source),
            "freshness": self._freshness.get(source.unique_id),
        }

    def test(self, node: Any, parent: Any = None) -> dict[str, Any]:
        """A generic test is called as the schema file calls it: `not_null`.

        `parent` is the node whose tests are listed.
        """
        metadata = getattr(node, "test_metadata", None)
        parent_id = parent.unique_id if parent is not None else _tested(node)
        name = "" if parent_id is None else self._name_of(parent_id)
        outcome = self._outcomes.get(node.unique_id)
        return {
            "name": metadata.name if metadata is not None else node.name,
            "full_name": node.name,
            "test_type": "singular" if metadata is None else "generic",
            "unique_id": node.unique_id,
            "model_name": name,
            "model": name,
            "model_ids": [
                parent for parent in node.depends_on.nodes if parent.startswith("model.")
            ],
            "source_ids": [
                parent for parent in node.depends_on.nodes if parent.startswith("source.")
            ],
            "column": getattr(node, "column_name", None),
            "status": "skipped" if outcome is None else outcome["status"],
            "meta": self._meta(node),
        }

    def features(self) -> Iterator[dict[str, Any]]:
        """The columns of models whose `meta.<keyword>.feature_store` names an entity and a
        timestamp.
        """
        for node in self.models():
            store = (_all_meta(node).get(self._keyword) or {}).get("feature_store") or {}
            keys = [store.get("entity_column"), store.get("timestamp_column")]
            if not all(keys):
                continue
            for name, column in node.columns.items():
                if name not in keys:
                    yield {
                        "model": node.name,
                        "column": name,
                        "entity_column": keys[0],
                        "timestamp_column": keys[1],
                        "description": column.description,
                    }

    def _tests_of(self, node: Any) -> list[dict[str, Any]]:
        return [self.test(test, node) for test in self._by_parent.get(node.unique_id, ())]

    def _meta(self, node: Any) -> dict[str, Any]:
        """The user's own entries, without those below fal-host's keyword."""
        return {key: value for key, value in _all_meta(node).items() if key != self._keyword}

    def _name_of(self, unique_id: str) -> str:
        manifest = self._project.manifest
        found = manifest.nodes.get(unique_id) or manifest.sources.get(unique_id)
        return unique_id.rsplit(".", 1)[-1] if found is None else found.name


def _context(project: Project, catalogue: Catalogue, job: Job) -> dict[str, Any]:
    """The context of a job: its model (none for a global script), the target and the vars."""
    config = project.config
    credentials = config.credentials
    node = node_of(project, job)
    relation = None if node is None else table_of(project, node)
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
        "vars": dict(config.vars.vars_for(reader_of(project, job), credentials.type))
        | dict(config.cli_vars or {}),
    }


def _last_freshness(path: str) -> dict[str, Any]:
    """The results of the last `dbt source freshness`, by unique id.

    Empty if there was none, or if its sources.json cannot be read.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return {result["unique_id"]: result for result in json.load(file)["results"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _columns(node: Any) -> dict[str, Any]:
    return {name: column.to_dict() for name, column in node.columns.items()}


def _all_meta(node: Any) -> dict[str, Any]:
    config: Any = getattr(node, "config", None)
    in_config = config.get("meta") if hasattr(config, "get") else getattr(config, "meta", None)
    return {**(getattr(node, "meta", None) or {}), **(in_config or {})}


def _tested(node: Any) -> str | None:
    """The node that a test checks. If a generic test has several parents, it is the one whose
    schema file entry has the test.
    """
    attached = getattr(node, "attached_node", None)
    parents = node.depends_on.nodes
    return attached or (parents[0] if parents else None)
