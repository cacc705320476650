"""The project's graph as dbt parsed it, in the form of the plugin interface (`RunGraph`)."""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Iterator
from typing import Any

from fal_worker.protocol import RunGraph

# The manifest's collections of what can be selected or depended upon; newer dbt has more of them.
COLLECTIONS = (
    "nodes",
    "sources",
    "exposures",
    "metrics",
    "semantic_models",
    "saved_queries",
    "unit_tests",
    "functions",
)
# What selectors and reports need besides the common fields, where a node has it.
_EXTRA = (
    "attached_node", "column_name", "file_key_name", "type", "maturity", "url", "label", "loader", "identifier",
    "freshness", "loaded_at_field", "owner", "model", "test_node_type", "description", "returns",
    "checksum",
)  # fmt: skip


def members(manifest: Any) -> Iterator[Any]:
    """Everything that can be a node of the graph."""
    for name in COLLECTIONS:
        yield from getattr(manifest, name, {}).values()


def run_graph(task: Any) -> RunGraph:
    return {"info": _info(task), "nodes": [run_graph_node(node) for node in members(task.manifest)]}


class Files:
    """Where the files of nodes are: dbt names those of an installed package below the package."""

    def __init__(self, project: str, packages: str) -> None:
        """The project's name, and its `packages-install-path`."""
        self._project, self._packages = project, posixpath.normpath(_slashes(packages))

    def path(self, node: Any) -> str:
        """Below the project. dbt installs a package into the folder of its name."""
        path = _slashes(str(node.original_file_path))
        return (
            path
            if node.package_name == self._project
            else f"{self._packages}/{node.package_name}/{path}"
        )

    def disabled(self, manifest: Any) -> list[str]:
        """Files of models that are switched off."""
        off = [node for nodes in (manifest.disabled or {}).values() for node in nodes]
        return sorted({self.path(node) for node in off if _text(node.resource_type) == "model"})


def files_of(config: Any) -> Files:
    """By dbt's configuration of the project."""
    return Files(config.project_name, config.packages_install_path)


def _text(value: Any) -> str | None:
    return None if value is None else str(getattr(value, "value", value))


def _plain(value: Any) -> Any:
    """Reduces a value to plain JSON data."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return getattr(value, "value", value)


def run_graph_node(node: Any) -> dict[str, Any]:
    """Converts a node to the interface's form."""
    config: Any = getattr(node, "config", None)
    tags = getattr(node, "tags", None) or []
    return {
        "unique_id": node.unique_id,
        "name": node.name,
        "resource_type": _text(node.resource_type),
        "package_name": node.package_name,
        "original_file_path": _slashes(node.original_file_path),
        "path": _slashes(node.path),
        "patch_path": getattr(node, "patch_path", None),
        "fqn": list(node.fqn),
        "tags": [tags] if isinstance(tags, str) else list(tags),
        "language": _text(getattr(node, "language", None)),
        "depends_on": list(dict.fromkeys(_parents(node))),
        "relation_name": getattr(node, "relation_name", None),
        "database": getattr(node, "database", None),
        "schema": getattr(node, "schema", None),
        "alias": getattr(node, "alias", None),
        "source_name": getattr(node, "source_name", None),
        "access": _text(getattr(node, "access", None)),
        "group": getattr(node, "group", None)
        or (config.get("group") if hasattr(config, "get") else None),
        "version": _text(getattr(node, "version", None)),
        "latest_version": _text(getattr(node, "latest_version", None)),
        "config": config.to_dict() if hasattr(config, "to_dict") else {},
        "meta": dict(getattr(node, "meta", None) or getattr(config, "meta", None) or {}),
        "extra": _extra(node),
    }


def _slashes(path: str) -> str:
    return path.replace("\\", "/")


def _parents(node: Any) -> list[str]:
    return list(getattr(getattr(node, "depends_on", None), "nodes", None) or [])


def _extra(node: Any) -> dict[str, Any]:
    extra = {
        name: _plain(value) for name in _EXTRA if (value := getattr(node, name, None)) is not None
    }
    if (metadata := getattr(node, "test_metadata", None)) is not None:
        extra["test_metadata"] = metadata.to_dict()
    return extra


def _info(task: Any) -> dict[str, Any]:
    import os

    from dbt.artifacts.schemas.run import RunResultsArtifact
    from dbt.utils import args_to_dict
    from dbt.version import __version__ as dbt_version
    from dbt_common.invocation import get_invocation_id

    config, manifest = task.config, task.manifest
    blank = _blank_artifact(RunResultsArtifact, args_to_dict(task.args))
    credentials = config.credentials
    return {
        "dbt_version": dbt_version,
        "adapter": credentials.type,
        "adapter_version": adapter_version(credentials.type),
        "project_name": config.project_name,
        "target_name": config.target_name,
        "schema": credentials.schema or "",
        "threads": config.threads or 1,
        "target_path": os.path.abspath(config.project_target_path),
        "invocation_id": get_invocation_id(),
        "run_results_metadata": blank["metadata"],
        "args": blank["args"],
        "selectors": dict(manifest.selectors or {}),
        "disabled": files_of(config).disabled(manifest),
        "python": sys.executable,
    }


def _blank_artifact(artifact: Any, args: dict[str, Any]) -> dict[str, Any]:
    """dbt's run_results.json without results: its metadata and arguments as dbt writes them,
    secrets scrubbed.
    """
    from datetime import datetime, timezone

    now = datetime.now(timezone.utc).replace(tzinfo=None)
    blank: dict[str, Any] = artifact.from_execution_results(
        results=[], elapsed_time=0.0, generated_at=now, args=args
    ).to_dict(omit_none=False)
    return blank


def adapter_version(kind: str) -> str:
    from importlib import import_module

    try:
        return str(import_module(f"dbt.adapters.{kind}.__version__").version)
    except (ImportError, AttributeError):
        return ""
