"""Materializes Python models without dbt's macros: tables and incremental models, in one transaction.

The rows wait in a staging table of the write's own transaction. The statements here make
the model's table from it, so that no other session sees the staging table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.texts import stage_name
from fal_worker.warehouse.generic.connection import both

from . import contract, options
from .configured import INCREMENTAL, Configured
from .dialects import dialect_of
from .incremental import merge_rows

if TYPE_CHECKING:
    from fal_worker.protocol import NodeResult
    from fal_worker.warehouse.interface import PendingWrite

    from .project import Project


class Materializer:
    """Implements `gateway.model_write.Materializer`."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def plan(self, node: Any, relation: Any) -> Plan:
        return Plan(self._project, node, relation)

    def is_incremental(self, node: Any) -> bool:
        relation = self._project.adapter.Relation.create_from(None, node)
        return Plan(self._project, node, relation).is_incremental()

    def check(self, node: Any) -> None:
        """Raises for a model whose configuration cannot be honoured, ahead of the run."""
        relation = self._project.adapter.Relation.create_from(None, node)
        Plan(self._project, node, relation).check()


class Plan:
    """Implements `gateway.model_write.WritePlan`."""

    by_dbt = False

    def __init__(self, project: Project, node: Any, relation: Any) -> None:
        self._project, self._node, self._relation = project, node, relation
        self._configured = Configured.read(node, project.materialized.get(node.unique_id))
        self._dialect = dialect_of(project.adapter.type())
        self._strategy, self._anew = self._configured.strategy, self._is_full_refresh()
        # Whether rows are added to a table that is there; known when the write begins.
        self._adds = self._staged = False

    @property
    def wanted_view(self) -> bool:
        return self._configured.wanted_view

    def check(self) -> None:
        for when in ("pre", "post"):
            for inside in (True, False):
                for sql in self._configured.hooks(when, inside):
                    self._rendered(sql, False)

    def start(self) -> None:
        """Runs the pre-hooks that dbt runs outside of the transaction."""
        self._run_outside("pre")

    def next_attempt(self) -> Plan:
        return Plan(self._project, self._node, self._relation)

    def is_incremental(self) -> bool:
        """As dbt's macro: whether rows are added to a table that is there."""
        if self._configured.name != INCREMENTAL or self._anew:
            return False
        with self._project.adapter.opened() as handle:
            return self._dialect.kind(handle, self._relation) == "table"

    def target(self, mode: str | None) -> tuple[Any, str]:
        """The table that gets the rows and the warehouse's mode, if the model writes with `mode`."""
        configured = self._configured
        needs_stage = configured.has_contract or bool(configured.hooks("pre", True))
        if configured.name == INCREMENTAL:
            if mode == "overwrite":
                self._check_replaceable()
                self._anew = True
            elif mode is not None:
                configured.check_strategy(mode)
                self._strategy = mode
            self._adds = self.is_incremental()
        elif mode == "append" and not (needs_stage or configured.hooks("post", True)):
            self._adds = True
            return self._relation, "append"
        elif mode not in (None, "overwrite"):
            raise SessionError(
                "gateway::mode",
                f"{self._node.unique_id} is a table{' with hooks or a contract' * (mode == 'append')}: it cannot be written with mode='{mode}'",
                "Set `materialized: incremental` in the model's configuration: then a mode can name the strategy (append, merge, ...) of a run.",
            )
        self._staged = needs_stage or self._adds
        return (self._stage if self._staged else self._relation), "overwrite"

    def outcome(self, pending: PendingWrite) -> Any:
        rows = pending.relation
        if not (self._staged and self._adds):
            return rows
        key = self._configured.unique_key
        default = self._strategy == "default"
        strategy = self._dialect.default_strategy(key) if default else self._strategy
        if strategy == "append" or (strategy == "delete+insert" and not key):
            with self._project.adapter.opened() as handle:
                columns = self._dialect.columns(handle, self._relation)
            names = pending.read(f"select * from {rows} where 1 = 0").reader.schema.names
            return both(self._project.adapter, self._relation, rows, columns, names)
        raise SessionError(
            "gateway::own_table",
            f"{self._node.unique_id} reads its own table after its write, but that is made of the rows only when the model has ended",
            "Read it ahead of the write, use the frame that was written, or read it in a model that depends on this one.",
        )

    def commit(self, pending: PendingWrite) -> bool:
        is_new = pending.commit(self._finish)
        self._run_outside("post")
        return is_new

    def finish(self) -> NodeResult:
        raise AssertionError("dbt materializes nothing here")

    def clean(self) -> None:
        """The staging table is gone with its transaction."""

    @property
    def _stage(self) -> Any:
        # The longest name in PostgreSQL has 63 bytes.
        name = stage_name(str(self._relation.identifier), 63)
        return self._relation.incorporate(path={"identifier": name})

    def _finish(self, handle: Any, is_new: bool) -> None:
        """Makes the model's table, in the transaction of its rows."""
        configured, dialect, node = self._configured, self._dialect, self._node
        if self._staged:
            for sql in configured.hooks("pre", True):
                self._run_hook(handle, sql)
            if configured.has_contract:
                contract.check_columns(handle, dialect, node, self._stage)
            if self._adds:
                merge_rows(handle, dialect, configured, self._relation, self._stage, self._strategy)
            else:
                self._make(handle)
            handle.run(f"drop table {self._stage}")
        options.apply(handle, dialect, node, self._relation, not self._adds)
        for sql in configured.hooks("post", True):
            self._run_hook(handle, sql)

    def _make(self, handle: Any) -> None:
        if (kind := self._dialect.kind(handle, self._relation)) is not None:
            handle.run(self._dialect.drop(kind, self._relation))
        statements = [f"create table {self._relation} as (select * from {self._stage})"]
        if self._configured.has_contract:
            statements = contract.create(
                self._dialect,
                self._node,
                self._relation,
                self._stage,
                lambda text: self._rendered(text, False),
            )
        for statement in statements:
            handle.run(statement)

    def _run_outside(self, when: str) -> None:
        hooks = self._configured.hooks(when, False)
        if not hooks:
            return
        is_incremental = self._adds if when == "post" else self.is_incremental()
        with self._project.adapter.opened() as handle:
            for sql in hooks:
                if text := self._rendered(sql, is_incremental):
                    handle.run_outside(text)

    def _run_hook(self, handle: Any, sql: str) -> None:
        if text := self._rendered(sql, self._adds):
            handle.run(text)

    def _rendered(self, sql: str, is_incremental: bool) -> str:
        return self._project.render(sql, self._node, is_incremental).strip()

    def _is_full_refresh(self) -> bool:
        own = self._node.config.full_refresh
        return self._project.is_full_refresh if own is None else bool(own)

    def _check_replaceable(self) -> None:
        if self._node.config.full_refresh is False:
            message = f"{self._node.unique_id} has full_refresh: false, so mode='overwrite' may not replace its table"
            raise SessionError("gateway::mode", message)
