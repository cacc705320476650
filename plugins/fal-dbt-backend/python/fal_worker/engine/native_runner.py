"""dbt's runners for dbt-native Python models. They are made late, since dbt must be imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.project.overrides import context_of_native
from fal_worker.project.results import to_run_result

if TYPE_CHECKING:
    from .native import NativeJobs


def checked_runner() -> type:
    """Returns dbt's own runner, with checks, for a warehouse on which dbt itself materializes
    frames.
    """
    from dbt.task.run import ModelRunner

    class CheckedRunner(ModelRunner):
        def compile(self, manifest: Any) -> Any:
            _refuse_views(self.node)
            _refuse_microbatch(self.node)
            return _compiled(self, manifest)

    return CheckedRunner


def staged_runner(native: NativeJobs) -> type:
    """Returns a runner that runs the code in a job and makes the relation with dbt's SQL
    materialization.
    """
    from dbt.task.run import ModelRunner
    from dbt_common.exceptions import DbtRuntimeError

    class StagedRunner(ModelRunner):
        def compile(self, manifest: Any) -> Any:
            _refuse_views(self.node)
            return _compiled(self, manifest)

        def execute(self, model: Any, manifest: Any) -> Any:
            try:
                result = native.run_staged(model, model.compiled_code)
            except SessionError as error:
                raise DbtRuntimeError(
                    error.message + (f"\n{error.help}" if error.help else "")
                ) from None
            return to_run_result(model, result)

    return StagedRunner


def _compiled(runner: Any, manifest: Any) -> Any:
    node = runner.compiler.compile_node(
        runner.node, manifest, context_of_native(runner.node, runner.config, manifest)
    )
    _refuse_ephemeral(node, manifest)
    return node


def _refuse_ephemeral(node: Any, manifest: Any) -> None:
    """Refuses ephemeral parents: dbt would put their SQL in front of the Python code."""
    if not node.extra_ctes:
        return
    from dbt_common.exceptions import DbtRuntimeError

    first = manifest.nodes[node.extra_ctes[-1].id]
    raise DbtRuntimeError(
        f"This is a dbt-native Python model, and the model `{first.name}` that it reads ({first.original_file_path}) is ephemeral: "
        f"dbt makes no relation of it that Python code could read.\n"
        f"Materialize `{first.name}` as view or table, or make this model a script: "
        f'ref("{first.name}") and write_to_model(df) read ephemeral models.'
    )


def _refuse_microbatch(node: Any) -> None:
    """Refuses microbatch. The plan of a staged model refuses it by itself."""
    from dbt_common.exceptions import DbtRuntimeError

    if (
        node.config.materialized == "incremental"
        and node.config.get("incremental_strategy") == "microbatch"
    ):
        raise DbtRuntimeError(
            "This is a Python model, and microbatch cuts SQL into batches: it cannot be its incremental_strategy.\n"
            "Take append, merge or delete+insert, and let the code read the period that is missing (dbt.is_incremental)."
        )


def _refuse_views(node: Any) -> None:
    from dbt_common.exceptions import DbtRuntimeError

    if node.config.materialized == "view":
        raise DbtRuntimeError(
            "This is a Python model: its rows are in no query, so it cannot be materialized as view.\n"
            'Say table or incremental: dbt.config(materialized="table").'
        )
