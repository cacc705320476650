"""The table in which a Python model's rows wait for dbt's own materialization: beside the model's,
called `NAME__fal_stage`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fal_worker.errors import Interrupted, SessionError, from_exception
from fal_worker.materialization.materialize import (
    context_of,
    hooks_inside,
    is_incremental,
    materialize,
    run_hooks_ahead,
)
from fal_worker.materialization.materialized import Materialized, materialized
from fal_worker.project.results import to_node_result
from fal_worker.texts import stage_name
from fal_worker.warehouse.finishing import finishing
from fal_worker.warehouse.generic.connection import both
from fal_worker.warehouse.registry import facts_of

if TYPE_CHECKING:
    from fal_worker.project.live import LiveProject
    from fal_worker.protocol import NodeResult
    from fal_worker.warehouse.interface import PendingWrite

_INCREMENTAL = "incremental"


def stage_of(relation: Any) -> Any:
    """The staging table of a model's relation."""
    longest = (
        relation.relation_max_name_length()
        if hasattr(relation, "relation_max_name_length")
        else None
    )
    name = stage_name(relation.identifier, longest)
    return relation.incorporate(path={"identifier": name}, type="table")


def drop_stage(project: LiveProject, stage: Any) -> None:
    """Drops the staging table if it exists."""
    adapter = project.adapter
    with adapter.connection_named(f"fal_{stage.identifier}"):
        # dbt's macro begins no transaction, and what a driver begins by itself would be rolled
        # back.
        adapter.connections.begin()
        adapter.drop_relation(stage)
        adapter.connections.commit()


class Plan:
    """Implements `gateway.model_write.WritePlan`: writes plain tables directly, and leaves the rest
    to dbt.
    """

    def __init__(self, project: LiveProject, node: Any, relation: Any) -> None:
        self._project, self._node, self._relation = project, node, relation
        self.kind: Materialized = materialized(project, node)
        self._changes: dict[str, Any] = {"materialized": self.kind.name}

    @property
    def by_dbt(self) -> bool:
        return self.kind.by_dbt

    @property
    def wanted_view(self) -> bool:
        return self.kind.wanted_view

    def next_attempt(self) -> Plan:
        return Plan(self._project, self._node, self._relation)

    def start(self) -> None:
        # A run that was killed between its commit and its end leaves the staging table behind.
        left_over = stage_of(self._relation)
        if self._is_there(left_over):
            drop_stage(self._project, left_over)
        if self.kind.by_dbt:
            # Runs dbt's checks of the configuration, too.
            context_of(self._project, self._node, **self._changes)
            run_hooks_ahead(self._project, self._node, self.kind.name)

    def target(self, mode: str | None) -> tuple[Any, str]:
        """The table that gets the rows and the mode, if the model writes with `mode`."""
        if mode == "append" and self.kind.only_options and self._is_there(self._relation):
            # The table is there already, made with these options.
            self.kind = replace(self.kind, reasons=())
        if not self.kind.by_dbt:
            if mode not in (None, "overwrite", "append"):
                raise _no_mode(f"{self._node.unique_id} is a table", mode)
            return self._relation, mode or "overwrite"
        self._changes.update(self._by_mode(mode))
        return stage_of(self._relation), "overwrite"

    def _is_there(self, relation: Any) -> bool:
        adapter = self._project.adapter
        # Where all models are Python, dbt has not looked at the schema yet.
        with adapter.connection_named(f"fal_{relation.identifier}"):
            return (
                adapter.get_relation(relation.database, relation.schema, relation.identifier)
                is not None
            )

    def _by_mode(self, mode: str | None) -> dict[str, Any]:
        name = self.kind.name
        if mode is None or (
            name == "table"
            and (mode == "overwrite" or (mode == "append" and self.kind.only_options))
        ):
            return {}
        if name != _INCREMENTAL:
            with_what = f" with {' and '.join(self.kind.reasons)}" if name == "table" else ""
            raise _no_mode(f"{self._node.unique_id} is materialized as {name}{with_what}", mode)
        if mode == "overwrite":
            if self._node.config.full_refresh is False:
                message = f"{self._node.unique_id} has full_refresh: false, so mode='overwrite' may not replace its table"
                raise SessionError("gateway::mode", message)
            return {"full_refresh": True}
        self._check_strategy(mode)
        return {"incremental_strategy": mode}

    def _check_strategy(self, strategy: str) -> None:
        """Checks the strategy, which dbt itself does only if the table exists."""
        if strategy == "microbatch":
            raise _no_mode(f"{self._node.unique_id} is a Python model", strategy)
        context = context_of(self._project, self._node, **self._changes)
        adapter = self._project.adapter
        try:
            # Some adapters ask the database which strategies its version has.
            with adapter.connection_named(f"fal_{self._relation.identifier}"):
                adapter.get_incremental_strategy_macro(context, strategy)
        except Exception as error:  # noqa: BLE001 (raised again)
            raise SessionError("gateway::mode", from_exception(error).message) from None

    def outcome(self, pending: PendingWrite) -> Any:
        """A query, inside the open write, for the rows that the model's relation will have after
        the commit.
        """
        rows = pending.relation
        if not self.kind.by_dbt or self.kind.name == "table":
            return rows
        context = context_of(self._project, self._node, **self._changes)
        if self.kind.name == _INCREMENTAL:
            with self._project.adapter.connection_named(f"fal_{self._relation.identifier}"):
                if not context["is_incremental"]():
                    return rows
                if self._appends():
                    columns = self._project.adapter.get_columns_in_relation(self._relation)
                    names = pending.read(f"select * from {rows} where 1 = 0").reader.schema.names
                    return both(self._project.adapter, self._relation, rows, columns, names)
        raise SessionError(
            "gateway::own_table",
            f"{self._node.unique_id} reads its own table after its write, but dbt makes that of the rows only when the model has ended",
            "Read it ahead of the write, use the frame that was written, or read it in a model that depends on this one.",
        )

    def _appends(self) -> bool:
        """Whether dbt's macro will only append the rows."""
        strategy = self._changes.get("incremental_strategy") or getattr(
            self._node.config, "incremental_strategy", None
        )
        if strategy in (None, "default"):
            return (
                not self._node.config.unique_key
                and facts_of(self._project.adapter.type()).appends_by_default
            )
        return bool(strategy == "append")

    def commit(self, pending: PendingWrite) -> bool:
        return pending.commit(finishing(self._project, self._node, self._relation))

    def finish(self) -> NodeResult:
        stage = stage_of(self._relation)
        result = materialize(
            self._project, self._node, stage, pre_hook=hooks_inside(self._node), **self._changes
        )
        if result.status != "success" and self._project.cancelled.is_set():
            raise Interrupted()
        return to_node_result(result)

    def clean(self) -> None:
        drop_stage(self._project, stage_of(self._relation))


class Materializer:
    """Implements `gateway.model_write.Materializer` with dbt's own materializations."""

    def __init__(self, project: LiveProject) -> None:
        self._project = project

    def plan(self, node: Any, relation: Any) -> Plan:
        return Plan(self._project, node, relation)

    def is_incremental(self, node: Any) -> bool:
        is_stub = node.unique_id in self._project.stubs
        name = materialized(self._project, node).name if is_stub else node.config.materialized
        return is_incremental(self._project, node, name)


def _no_mode(what: str, mode: str | None) -> SessionError:
    return SessionError(
        "gateway::mode",
        f"{what}: it cannot be written with mode='{mode}'",
        "Set `materialized: incremental` in the model's configuration: then a mode can name the strategy (append, merge, ...) of a run.",
    )
