"""The gateway without dbt's macros: every Python model becomes a plain table."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from fal_worker.errors import SessionError
from fal_worker.gateway.service import Gateway

from .project import Project
from .support import check_model


class PlainGateway(Gateway):
    """Refuses models that want more."""

    def __init__(self, project: Project, *rest: Any) -> None:
        super().__init__(project, *rest)  # type: ignore[arg-type]
        self._project = project

    def _plan(self, unique_id: str) -> Any:
        node = self._project.manifest.expect(unique_id)
        try:
            check_model(self._project.settings, node)
        except SessionError as error:
            self._project.record(
                {"unique_id": unique_id, "status": "error", "message": error.message}
            )
            raise
        return _Table(node, self._project.adapter.Relation.create_from(None, node))


class _Table:
    """Stands for `gateway.staging.Plan`."""

    kind = SimpleNamespace(by_dbt=False, wanted_view=False)

    def __init__(self, node: Any, relation: Any) -> None:
        self._node, self._relation = node, relation

    def again(self) -> _Table:
        return self

    def outcome(self, pending: Any) -> Any:
        return pending.relation

    def target(self, mode: str | None) -> tuple[Any, str]:
        if mode not in (None, "overwrite", "append"):
            message = f"{self._node.unique_id} is a table: it cannot be written with mode='{mode}' where dbt runs as a program"
            raise SessionError("gateway::mode", message)
        return self._relation, mode or "overwrite"
