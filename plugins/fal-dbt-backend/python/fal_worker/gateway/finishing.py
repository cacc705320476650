"""What dbt's table materialization does to a new table behind its rows, done by dbt's own macros: indexes, grants, comments."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fal_worker.session.errors import from_exception

if TYPE_CHECKING:
    from fal_worker.session.invocation import Invocation

# Gets a connection as dbt's adapter has them, in the write's transaction, and whether the table is a new one.
Finish = Callable[[Any, bool], None]


class Borrowed:
    """A connection of an adapter whose transaction and end are not dbt's affair."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handle, name)

    def commit(self) -> None:
        pass

    def rollback(self) -> None:
        pass

    def close(self) -> None:
        pass


def finishing(invocation: Invocation, node: Any, relation: Any) -> Finish | None:
    """`None` if the model's configuration asks for nothing."""
    config = node.config
    grants, docs = config.get("grants"), config.get("persist_docs")
    if not (grants or config.get("indexes") or docs):
        return None

    def finish(handle: Any, is_new: bool) -> None:
        try:
            _run(invocation, node, relation.incorporate(type="table"), handle, is_new)
        except Exception as error:
            raise from_exception(error) from None

    return finish


def _run(invocation: Invocation, node: Any, relation: Any, handle: Any, is_new: bool) -> None:
    from dbt.context.providers import generate_runtime_model_context

    adapter, task = invocation.adapter, invocation.task
    with adapter.connection_named(f"fal_finish_{node.unique_id}"):
        connection = adapter.connections.get_thread_connection()
        connection.handle, connection.state, connection.transaction_open = handle, "open", True
        try:
            context = generate_runtime_model_context(node, task.config, task.manifest)
            if is_new:
                context["create_indexes"](relation)
            # Rights granted on another table than this were not carried over.
            context["apply_grants"](relation, context["config"].get("grants"), not is_new or context["copy_grants"]())
            context["persist_docs"](relation, context["model"])
        finally:
            # The transaction is the writer's to end.
            connection.transaction_open = False
