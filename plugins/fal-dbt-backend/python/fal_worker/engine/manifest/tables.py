"""The materializer without dbt's macros: every Python model becomes a plain table."""

from __future__ import annotations

from typing import Any

from fal_worker.errors import SessionError
from fal_worker.protocol import NodeResult

from .project import Project
from .support import check_model


class TableMaterializer:
    """Implements `gateway.model_write.Materializer`. Refuses models that want more than a table."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def plan(self, node: Any, relation: Any) -> TablePlan:
        check_model(self._project.settings, node)
        return TablePlan(node, relation)

    def is_incremental(self, node: Any) -> bool:
        raise SessionError(
            "engine::unsupported",
            f"{node.unique_id}: is_incremental needs dbt's own macros, and dbt runs as a program here",
        )


class TablePlan:
    """Implements `gateway.model_write.WritePlan`."""

    by_dbt = wanted_view = False

    def __init__(self, node: Any, relation: Any) -> None:
        self._node, self._relation = node, relation

    def start(self) -> None:
        """Nothing runs ahead."""

    def next_attempt(self) -> TablePlan:
        return self

    def outcome(self, pending: Any) -> Any:
        return pending.relation

    def target(self, mode: str | None) -> tuple[Any, str]:
        if mode not in (None, "overwrite", "append"):
            message = f"{self._node.unique_id} is a table: it cannot be written with mode='{mode}' where dbt runs as a program"
            raise SessionError("gateway::mode", message)
        return self._relation, mode or "overwrite"

    def finish(self) -> NodeResult:
        raise AssertionError("dbt materializes nothing here")

    def clean(self) -> None:
        """There is no staging table."""
