"""Checks that this dbt has the internals that the session uses.

Everything outside of dbt's public interface is listed here. Each name may say how it is called:
`compile_node(_, _, _, write=)` is a call with three values and a keyword; for a method, the object
counts as a value. Attributes that only instances have (`task.manifest`, `task.node_results`) cannot
be checked before a run.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from fal_worker.errors import SessionError

_INTERNALS = {
    # Commands that dbt itself runs (`command.py`).
    "dbt.cli.requires": ("parse_manifest",),
    "dbt.task.clone": ("CloneTask._get_deferred_manifest(_)",),
    "dbt.task.runnable": ("GraphRunnableTask._get_deferred_manifest(_)",),
    "dbt.cli.main": ("cli", "dbtRunner(callbacks=)", "dbtRunner.invoke(_, _)"),
    "dbt.task.build": (
        "BuildTask.compile_manifest(_)", "BuildTask.get_graph_queue(_)", "BuildTask.get_model_schemas(_, _, _)",
        "BuildTask.run_queue(_, _)", "BuildTask._runtime_initialize(_)", "BuildTask.populate_adapter_cache",
        "BuildTask.safe_run_hooks(_, _, _, _)", "BuildTask.get_hooks_by_type(_, _)", "BuildTask.get_runner_type(_, _)",
        "BuildTask.get_result", "BuildTask.call_runner(_, _)",
        "BuildTask._handle_result(_, _)", "BuildTask.task_end_messages(_, _)", "BuildTask.result_path(_)",
        "BuildTask._get_deferred_manifest(_)", "BuildTask.MARK_DEPENDENT_ERRORS_STATUSES",
    ),
    "dbt.task.run": (
        "RunTask", "ModelRunner(_, _, _, _, _)", "ModelRunner.safe_run(_, _)", "ModelRunner.compile(_, _)", "ModelRunner.execute(_, _, _)",
    ),
    "dbt.task.test": ("TestTask",),
    "dbt.task.seed": ("SeedTask",),
    "dbt.task.snapshot": ("SnapshotTask",),
    "dbt.graph": ("Graph(_)",),
    # The session's own queue has these methods, and dbt must call no others.
    "dbt.graph.queue": (
        "GraphQueue.get_selected_nodes(_)", "GraphQueue.empty(_)", "GraphQueue.get(_, block=)", "GraphQueue.mark_done(_, _)",
        "GraphQueue.join(_)", "GraphQueue.wait_until_something_was_done(_)",
    ),
    "dbt.graph.selector_methods": ("MethodManager(_, _)", "MethodManager.get_method(_, _, _)", "MethodName"),
    "dbt.contracts.graph.manifest": (
        "Manifest.resolve_ref(_, _, _, _, _, _, _)", "Manifest.resolve_source(_, _, _, _, _)", "Manifest.expect(_, _)", "Manifest.writable_manifest(_)", "Disabled",
    ),
    "dbt.contracts.state": ("load_result_state(_)",),
    "dbt.context.providers": (
        "RuntimeRefResolver(_, _, _, _)", "RuntimeRefResolver.create_relation(_, _)", "RuntimeSourceResolver(_, _, _, _)",
        "OperationRefResolver", "RuntimeUnitTestRefResolver", "generate_runtime_model_context(_, _, _)",
    ),
    "dbt.context.context_config": (
        "ContextConfigGenerator.calculate_node_config(_, config_call_dict=, fqn=, resource_type=, project_name=, base=, patch_config_dict=)",
    ),
    "dbt.context.configured": ("generate_schema_yml_context(_, _)",),
    "dbt.clients.jinja": ("MacroGenerator.__call__",),
    "dbt.compilation": ("Compiler.compile_node(_, _, _, _, write=)",),
    "dbt.parser.sql": ("SqlBlockParser(project=, manifest=, root_project=)", "SqlBlockParser.parse_remote(_, _, _)"),
    "dbt.parser.models": ("ModelParser.parse_python_model(_, _, _, _)",),
    "dbt.parser.manifest": ("process_node(_, _, _)",),
    "dbt.parser.schema_renderer": ("SchemaYamlRenderer(_, _)", "SchemaYamlRenderer.render_data(_, _)"),
    "dbt.parser.unit_tests": ("UnitTestManifestLoader(_, _, _)", "UnitTestManifestLoader.parse_unit_test_case(_, _)"),
    "dbt.artifacts.resources": ("UnitTestFormat",),
    "dbt.clients.yaml_helper": ("load_yaml_text(_)",),
    "dbt.artifacts.schemas.results": ("RunStatus", "TestStatus", "TimingInfo(_, _, _)"),
    "dbt.artifacts.schemas.run": (
        "RunResult(status=, timing=, thread_id=, execution_time=, adapter_response=, message=, failures=, node=)",
        "RunResultsArtifact.from_execution_results(results=, elapsed_time=, generated_at=, args=)",
    ),
    "dbt.selected_resources": ("set_selected_resources(_)",),
    "dbt.adapters.base": (
        "BaseAdapter.connection_named(_, _)", "BaseAdapter.get_relation(_, _, _, _)", "BaseAdapter.drop_relation(_, _)",
        "BaseAdapter.cache_added(_, _)", "BaseAdapter.cache_dropped(_, _)", "BaseAdapter.execute_macro(_, _, kwargs=)",
        "BaseAdapter.is_cancelable", "BaseAdapter.cancel_open_connections(_)", "BaseAdapter.commit_if_has_connection(_)",
        "BaseAdapter.get_incremental_strategy_macro(_, _, _)",
    ),
    "dbt.adapters.contracts.connection": ("AdapterResponse(_message=, rows_affected=)",),
    "dbt.adapters.factory": ("get_adapter(_)", "get_adapter_package_names(_)"),
    "dbt.utils": ("args_to_dict(_)",),
    "dbt.version": ("__version__",),
    "dbt_common.invocation": ("get_invocation_id()",),
    "dbt_common.dataclass_schema": ("ValidationError",),
    "dbt_common.exceptions": ("DbtRuntimeError(_)", "DbtBaseException"),
}  # fmt: skip


def check() -> None:
    """Raises `dbt::unsupported` if an entry does not match."""
    wrong = [
        reason
        for module, names in _INTERNALS.items()
        for name in names
        if (reason := problem(module, name)) is not None
    ]
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise SessionError(
            "dbt::unsupported",
            f"{_versions()} cannot be driven from the inside: {', '.join(wrong[:5])}{more}",
            "Use dbt-core 1.8 to 1.12.",
        )


def problem(module: str, name: str) -> str | None:
    """Returns the problem with an entry of the list, or `None`."""
    path, _, call = name.partition("(")
    try:
        value: Any = importlib.import_module(module)
    except Exception:  # noqa: BLE001 (an unknown dbt may raise anything when it is imported)
        return f"no {module}"
    for part in path.split("."):
        if not hasattr(value, part):
            return f"no {module}.{path}"
        value = getattr(value, part)
    return (
        None
        if not call or _takes(value, call.rstrip(")"))
        else f"{module}.{path} is called otherwise"
    )


def _takes(function: Any, call: str) -> bool:
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        return True  # the signature is unknown
    words = [word.strip() for word in call.split(",") if word.strip()]
    keywords = {word.rstrip("="): None for word in words if word.endswith("=")}
    try:
        signature.bind(*[None] * (len(words) - len(keywords)), **keywords)
    except TypeError:
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
