"""Runs dbt's own materialization over rows that are in the warehouse already, in a Python model's
staging table.

dbt materializes SQL. So it gets a copy of the model's node that is a compiled SQL model, `select *
from STAGE`: whatever dbt and its adapters do for such a model (strategies, schema changes, hooks,
grants, contracts), they do for Python models too.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError

if TYPE_CHECKING:
    from fal_worker.project.live import LiveProject


def materialize(project: LiveProject, node: Any, stage: Any, **config: Any) -> Any:
    """Runs the materialization of `node` as if its SQL was `select * from STAGE`, and gives dbt's
    `RunResult`, also of a failure.

    `stage` is a relation whose rows are committed (`staging.py` makes and drops one). `config`
    takes the place of the node's: `materialized` (a stub says `ephemeral`), `full_refresh`,
    `incremental_strategy`, `pre_hook`. The node may be of any language and is not changed; hooks,
    grants, contract, comments, indexes and the relation cache are dbt's affair. To be called on any
    thread with dbt's context set (`LiveProject.within`). Neither prints lines nor records the
    result.
    """
    runner = _runner()(project.config, project.adapter, sql_node(node, stage, **config), 0, 0)
    with project.working():
        return runner.safe_run(project.manifest)


def sql_node(node: Any, stage: Any = None, **config: Any) -> Any:
    """Returns a compiled SQL model in place of `node`; everything else is shared."""
    from dbt_common.dataclass_schema import ValidationError

    model = copy.copy(node)
    model.config = copy.copy(node.config)
    for name, value in config.items():
        # `replace` would add to the hooks that are there.
        setattr(model.config, name, value)
    try:
        # dbt's checks of the whole, which a stub passed as an ephemeral model.
        model.config.__post_init__()
    except ValidationError as error:
        raise SessionError("dbt::parse", f"{node.unique_id}: {error}") from None
    model.language = "sql"
    model.compiled, model.extra_ctes_injected, model.extra_ctes = True, True, []
    model.compiled_code = None if stage is None else f"select * from {stage}"
    return model


def context_of(project: LiveProject, node: Any, **config: Any) -> dict[str, Any]:
    """The names that dbt provides while it runs the model: macros, `this`, `config`."""
    return project.macros(sql_node(node, **config))


def is_incremental(project: LiveProject, node: Any, materialized: str) -> bool:
    """The current answer of dbt's macro `is_incremental` for this model."""
    with project.adapter.connection_named(f"fal_is_incremental_{node.unique_id}"):
        return bool(context_of(project, node, materialized=materialized)["is_incremental"]())


def run_hooks_ahead(project: LiveProject, node: Any, materialized: str) -> None:
    """Runs the pre-hooks that dbt runs outside of the model's transaction."""
    hooks = [hook.to_dict(omit_none=True) for hook in node.config.pre_hook]
    if all(hook.get("transaction", True) for hook in hooks):
        return
    from dbt_common.exceptions import DbtRuntimeError

    with project.working(), project.adapter.connection_named(node.unique_id, node):
        try:
            context = context_of(project, node, materialized=materialized)
            context["run_hooks"](context["pre_hooks"], inside_transaction=False)
        except DbtRuntimeError as error:
            # dbt's message for a failed hook names the model.
            if error.node is None:
                error.add_node(node)
            raise


def hooks_inside(node: Any) -> list[Any]:
    """The pre-hooks that run inside the transaction."""
    return [hook for hook in node.config.pre_hook if hook.transaction]


def _runner() -> type:
    from dbt.task.run import ModelRunner

    class StagedRunner(ModelRunner):
        def compile(self, manifest: Any) -> Any:
            return self.node

    return StagedRunner
