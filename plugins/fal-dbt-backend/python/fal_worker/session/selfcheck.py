"""Whether this dbt has the names that the session builds on. Everything that is not dbt's public interface is listed here."""

from __future__ import annotations

import importlib
from typing import Any

from .errors import SessionError

_NAMES = {
    "dbt.cli.main": ("cli", "dbtRunner"),
    "dbt.task.build": (
        "BuildTask.compile_manifest", "BuildTask.get_graph_queue", "BuildTask.get_model_schemas", "BuildTask.run_queue",
        "BuildTask._runtime_initialize", "BuildTask.safe_run_hooks", "BuildTask.get_result", "BuildTask.call_runner",
        "BuildTask._handle_result", "BuildTask.task_end_messages", "BuildTask.result_path",
        "BuildTask.MARK_DEPENDENT_ERRORS_STATUSES",
    ),
    "dbt.task.run": ("RunTask",),
    "dbt.graph": ("Graph",),
    "dbt.graph.queue": (
        "GraphQueue.get_selected_nodes", "GraphQueue.empty", "GraphQueue.get", "GraphQueue.mark_done", "GraphQueue.join",
        "GraphQueue.wait_until_something_was_done",
    ),
    "dbt.contracts.graph.manifest": ("Manifest.resolve_ref", "Manifest.resolve_source", "Manifest.expect", "Disabled"),
    "dbt.context.providers": ("RuntimeRefResolver.create_relation", "OperationRefResolver"),
    "dbt.compilation": ("Compiler.compile_node",),
    "dbt.parser.sql": ("SqlBlockParser.parse_remote",),
    "dbt.parser.manifest": ("process_node",),
    "dbt.graph.selector_methods": ("MethodManager.get_method", "MethodName"),
    "dbt.artifacts.schemas.run": ("RunResult", "RunResultsArtifact.from_execution_results"),
    "dbt.selected_resources": ("set_selected_resources",),
    "dbt.adapters.factory": ("get_adapter",),
    "dbt.utils": ("args_to_dict",),
    "dbt_common.invocation": ("get_invocation_id",),
}  # fmt: skip


def check() -> None:
    """Raises `dbt::unsupported` if something is missing."""
    missing = [f"{module}.{name}" for module, names in _NAMES.items() for name in names if not _there(module, name)]
    if missing:
        raise SessionError(
            "dbt::unsupported",
            f"{_versions()} cannot be driven node by node: it lacks {', '.join(missing)}",
            "Use dbt-core 1.8 to 1.12.",
        )


def _there(module: str, name: str) -> bool:
    try:
        value: Any = importlib.import_module(module)
        for part in name.split("."):
            value = getattr(value, part)
    except (ImportError, AttributeError):
        return False
    return True


def _versions() -> str:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for package in ("dbt-core", "dbt-common", "dbt-adapters"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found) or "An unknown dbt"
