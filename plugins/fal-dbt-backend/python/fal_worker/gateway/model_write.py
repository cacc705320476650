"""The write of a job's own model, from its rows to dbt's relation: `stage`, then `commit` or
`undo`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from fal_worker.errors import SessionError
from fal_worker.project.interface import table_of
from fal_worker.project.results import longer
from fal_worker.warehouse.spool import whole

if TYPE_CHECKING:
    from fal_worker.project.interface import Project
    from fal_worker.protocol import NodeResult, Outbox
    from fal_worker.warehouse.interface import PendingWrite, Reading, Warehouse


class WritePlan(Protocol):
    """How the rows of one Python model reach its relation.

    Made before the job starts, so that impossible configurations are refused early.
    """

    @property
    def by_dbt(self) -> bool:
        """Whether the rows are staged in a separate table, from which dbt's materialization makes
        the relation.
        """
        ...

    @property
    def wanted_view(self) -> bool:
        """Whether the model's own entry in a schema file asks for a view, which a Python model
        cannot be.
        """
        ...

    def start(self) -> None:
        """Runs the steps that dbt runs before the model's transaction."""
        ...

    def next_attempt(self) -> WritePlan:
        """The plan for another attempt: the effects of `start` stay, the choices of a write are
        forgotten.
        """
        ...

    def target(self, mode: str | None) -> tuple[Any, str]:
        """The table that gets the rows, and the warehouse's mode, if the model writes with `mode`."""
        ...

    def outcome(self, pending: PendingWrite) -> Any:
        """A query, inside the open write, for the rows that the model's relation will have after
        the commit.
        """
        ...

    def commit(self, pending: PendingWrite) -> bool:
        """Commits the rows where dbt has no part in it. Returns whether the table is new."""
        ...

    def finish(self) -> NodeResult:
        """Has dbt make the relation from the committed rows; returns its `NodeResult`."""
        ...

    def clean(self) -> None:
        """Drops the staging table."""
        ...


class Materializer(Protocol):
    """Plans writes of Python models as dbt would materialize them."""

    def plan(self, node: Any, relation: Any) -> WritePlan: ...

    def is_incremental(self, node: Any) -> bool:
        """The answer of dbt's `is_incremental` for this model at this moment."""
        ...


class ModelWrite:
    """Rows that a job writes to its model.

    They stay in an open transaction until the job ends, so that a model which fails after its write
    leaves the old table.
    """

    def __init__(
        self,
        project: Project,
        outbox: Outbox,
        warehouse: Callable[[], Warehouse],
        unique_id: str,
        plan: WritePlan,
    ) -> None:
        self._project, self._outbox, self._warehouse = project, outbox, warehouse
        self._unique_id, self._plan = unique_id, plan
        self.pending: PendingWrite | None = None
        self.rows: int | None = None

    @property
    def is_staged(self) -> bool:
        """Whether rows are staged and await the job's end."""
        return self.pending is not None

    @property
    def goes_through_dbt(self) -> bool:
        return self._plan.by_dbt

    def next_attempt(self) -> ModelWrite:
        plan = self._plan.next_attempt()
        return ModelWrite(self._project, self._outbox, self._warehouse, self._unique_id, plan)

    def target(self, mode: str | None) -> tuple[Any, str]:
        """The table that gets the rows in this mode.

        Raises for a mode that the model's materialization does not have.
        """
        return self._plan.target(mode)

    def stage(self, target: tuple[Any, str], reader: Any, types: dict[str, str]) -> int:
        """Streams the rows into an open transaction; returns their number."""
        relation, mode = target
        self.pending = begin_write(self._warehouse(), relation, reader, mode, types)
        self.rows = self.pending.rows
        return self.rows

    def outcome(self) -> Any:
        """A query for the rows that the model's relation will have after the commit."""
        assert self.pending is not None
        return self._plan.outcome(self.pending)

    def undo(self) -> None:
        """Undoes the write: the relation stays as it was."""
        pending, self.pending = self.pending, None
        if pending is not None:
            pending.rollback()

    def commit(self, result: NodeResult) -> NodeResult:
        """Makes the model's relation of the staged rows; gives the job's result with what became of
        them.
        """
        if self.pending is None:
            return result
        return self._materialize(result) if self._plan.by_dbt else self._replace(result)

    def _replace(self, result: NodeResult) -> NodeResult:
        """Replaces the relation by the written table."""
        assert self.pending is not None
        try:
            is_new = self._plan.commit(self.pending)
        except SessionError as error:
            return {**result, "status": "error", "message": error.message}
        node = self._project.manifest.expect(self._unique_id)
        announce(self._project, table_of(self._project, node), is_new)
        self._project.compile_stub(self._unique_id)
        message = f"SELECT {self.rows}"
        response = {"_message": message, "code": "SELECT", "rows_affected": self.rows}
        return {
            **result,
            "message": message,
            "rows_affected": self.rows,
            "adapter_response": response,
        }

    def _materialize(self, result: NodeResult) -> NodeResult:
        """Commits the staging table, and has dbt make the relation of it.

        The commit comes first because dbt's materialization runs on another connection, which sees
        committed rows only. The model's relation is not touched by it, so a failure behind it
        leaves the old relation.
        """
        assert self.pending is not None
        try:
            self.pending.commit()
            made = self._plan.finish()
        except SessionError as error:
            made = {"status": "error", "message": error.message}
        finally:
            self._clean()
        if made["status"] == "success":
            self._project.compile_stub(self._unique_id)
            if made["rows_affected"] is None:
                made["rows_affected"] = self.rows
        more: NodeResult = {
            "status": made["status"],
            "message": made["message"],
            "adapter_response": made.get("adapter_response", {}),
            "rows_affected": made.get("rows_affected"),
        }
        return longer(result, more)

    def _clean(self) -> None:
        try:
            self._plan.clean()
        except Exception as error:  # noqa: BLE001 (the next write drops the table)
            message = f"the staging table of {self._unique_id} stays: {error}"
            self._outbox.log("debug", message, None, self._unique_id)


class NativeWrite:
    """Rows that a dbt-native model returns, for dbt's own Python materialization, which writes them
    in its transaction.
    """

    # dbt commits these rows.
    pending: PendingWrite | None = None
    goes_through_dbt = True

    def __init__(self, write: Callable[[Any], int]) -> None:
        self._write = write
        self.rows: int | None = None
        self._spool: Reading | None = None

    @property
    def is_staged(self) -> bool:
        return self._spool is not None

    def next_attempt(self) -> NativeWrite:
        return NativeWrite(self._write)

    def stream(self, reader: Any) -> int:
        """Passes the rows to dbt at once."""
        self.rows = self._write(reader)
        return self.rows

    def spool(self, reader: Any) -> int:
        """Keeps the rows of a leased attempt until it is known to count: dbt's transaction could
        not give them back.
        """
        self._spool = whole(reader)
        self.rows = self._spool.rows or 0
        return self.rows

    def deliver(self) -> None:
        """Passes the rows of the valid attempt to dbt."""
        if self._spool is not None:
            self.rows = self._write(self._spool.reader)

    def undo(self) -> None:
        self._spool = None


def begin_write(warehouse: Warehouse, relation: Any, reader: Any, *how: Any) -> PendingWrite:
    """Starts a stream into a table of the warehouse, which must have columns."""
    if not reader.schema.names:
        raise SessionError(
            "gateway::no_columns", f"A frame without columns cannot become the table {relation}"
        )
    return warehouse.begin_write(relation, reader, *how)


def announce(project: Project, relation: Any, is_new: bool) -> None:
    """Adds a new table to dbt's relation cache; objects that depended on the old one are gone with
    it.
    """
    adapter = project.adapter
    with adapter.connection_named(f"fal_{relation.identifier}"):
        old = adapter.get_relation(relation.database, relation.schema, relation.identifier)
        if old is not None and not is_new:
            return
        if old is not None:
            adapter.cache_dropped(old)
        adapter.cache_added(relation.incorporate(type="table"))
