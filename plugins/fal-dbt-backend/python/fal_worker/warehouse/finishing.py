"""Runs dbt's macros on a new table: indexes, grants, comments, as dbt's table materialization does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from fal_worker.errors import from_exception

from .interface import Finish
from .registry import facts_of

if TYPE_CHECKING:
    from fal_worker.project.interface import Project
    from fal_worker.project.live import LiveProject


def finishing(project: Project, node: Any, relation: Any) -> Finish | None:
    """What to run for a model; `None` if its configuration asks for nothing."""
    config = node.config
    asked = config.get("grants") or config.get("indexes") or config.get("persist_docs")
    if not asked and not facts_of(project.adapter.type()).applies_config:
        return None
    table = relation.incorporate(type="table")
    own = project.finishing(node, table)
    # A project without own statements is the live one of dbt.
    return own or Finishing(cast("LiveProject", project), node, table)


class Finishing:
    """The macros of one model, called as `Finish`."""

    def __init__(self, project: LiveProject, node: Any, relation: Any) -> None:
        self._project, self._node, self._relation = project, node, relation
        self.config = node.config

    def __call__(self, handle: Any, is_new: bool) -> None:
        with self._context(handle) as context:
            if is_new:
                context["create_indexes"](self._relation)
            # Rights granted on another table than this were not carried over.
            context["apply_grants"](
                self._relation,
                context["config"].get("grants"),
                not is_new or context["copy_grants"](),
            )
            context["persist_docs"](self._relation, context["model"])

    def create_sql(self, handle: Any, relation: Any, select: str, *more: str) -> str:
        """The statements of the adapter's own `create_table_as`, with what the model configures."""
        with self._context(handle) as context:
            return str(context["create_table_as"](False, relation, select, *more)).strip()

    @contextlib.contextmanager
    def _context(self, handle: Any) -> Iterator[dict[str, Any]]:
        """What macros of the model see, on this connection."""
        adapter = self._project.adapter
        try:
            with adapter.connection_named(f"fal_finish_{self._node.unique_id}"):
                connection = adapter.connections.get_thread_connection()
                connection.handle, connection.state = handle, "open"
                connection.transaction_open = True
                try:
                    yield self._project.macros(self._node)
                finally:
                    # The transaction is the writer's to end.
                    connection.transaction_open = False
        except Exception as error:  # noqa: BLE001 (raised again)
            raise from_exception(error) from None
