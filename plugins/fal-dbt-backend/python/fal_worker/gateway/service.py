"""The gateway's operations for jobs, without the wire: reads, writes, lists of models and sources."""

from __future__ import annotations

import os
import secrets
import threading
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError, from_exception
from fal_worker.project.interface import table_of
from fal_worker.warehouse.activity import ACTIVITY
from fal_worker.warehouse.interface import Reading, Warehouse
from fal_worker.warehouse.registry import facts_of, for_adapter

from . import catalogue
from .jobs import UNIT_TEST, Job, JobTable
from .lease_streams import Pump, Watched
from .leases import ACTIONS as OF_LEASES
from .leases import Leases, RemoteGateway
from .model_write import Materializer, ModelWrite, NativeWrite, WritePlan
from .preview import Preview
from .reads import Reads
from .writes import TableWrites

if TYPE_CHECKING:
    from fal_worker.project.interface import Project
    from fal_worker.protocol import NodeResult, Outbox


class GatewayService:
    """Serves the jobs of one project. Starts its server for the first job."""

    def __init__(
        self, project: Project, materializer: Materializer, outbox: Outbox, socket_dir: str
    ) -> None:
        self.location = "grpc+unix://" + os.path.join(socket_dir, "gateway.sock")
        self._socket_dir = socket_dir
        self._project, self._materializer, self._outbox = project, materializer, outbox
        self._jobs = JobTable()
        self._reads = Reads(project, outbox, self.warehouse)
        self._writes = TableWrites(project, self.warehouse)
        self.leases = Leases(project, outbox, self._jobs, self._reads)
        self._start = threading.Lock()
        self._server: Any = None
        self._listeners: list[Any] = []
        self._warehouse: Warehouse | None = None

    # Jobs.

    def start(self) -> None:
        """Imports what is needed and listens.

        May be called ahead of time, by any thread, any number of times.
        """
        with self._start:
            if self._server is None:
                from .server import serve

                self._server = serve(self, self.location)

    def listen(self, host: str, port: int, certificate: str | None, key: str | None) -> int:
        """Opens a second listener, for jobs that run elsewhere; returns its port.

        Without a certificate, the traffic is not encrypted.
        """
        from .front import Front, encrypted
        from .server import serve

        with self._start:
            inner = os.path.join(self._socket_dir, f"leases{len(self._listeners)}.sock")
            context = None if certificate is None or key is None else encrypted(certificate, key)
            front = Front(inner, host, port, context)
            self._listeners.append(
                (front, serve(RemoteGateway(self, front.know), "grpc+unix://" + inner))
            )
            return front.port

    def allow_leased(self, env_vars: list[str]) -> None:
        """Lets Jinja of leased jobs read these variables of the environment, and no others."""
        self._reads.leased_variables = frozenset(env_vars)

    def open_job(
        self, id: str, token: str, unique_id: str, role: str | None = None, model: str | None = None
    ) -> None:
        """Opens a model's job or, with a `role`, a script's, which belongs to `model` or to none."""
        if role is None and unique_id not in self._project.selected:
            raise SessionError(
                "session::unknown_node", f"{unique_id} is not among the nodes of `begin`"
            )
        if model is not None and model not in self._project.manifest.nodes:
            raise SessionError(
                "session::unknown_node", f"{unique_id} belongs to {model}, which is not there"
            )
        self.warehouse()
        self.start()
        write = self._planned(unique_id) if role is None else None
        self._jobs.add(Job(id, token, unique_id, write, role, model))

    def _planned(self, unique_id: str) -> ModelWrite | Preview:
        """The write of a script's model. Records the reason if there can be none."""
        node = self._project.manifest.expect(unique_id)
        try:
            plan = self._materializer.plan(node, table_of(self._project, node))
            if plan.wanted_view:
                self._outbox.log(
                    "warn",
                    f"{unique_id} is a Python model: it becomes a table, not a view",
                    "NoView",
                    unique_id,
                )
            return self._started(unique_id, plan)
        except Exception as error:  # noqa: BLE001 (raised again)
            failure = from_exception(error)
            self._project.record(
                {"unique_id": unique_id, "status": "error", "message": failure.message}
            )
            raise failure from None

    def _started(self, unique_id: str, plan: WritePlan) -> ModelWrite | Preview:
        """The write of a model, ahead of its code."""
        if (limit := self._project.show_limit) is not None:
            return Preview(plan, limit)
        plan.start()
        return ModelWrite(self._project, self._outbox, self.warehouse, unique_id, plan)

    def open_unit_test(self, id: str, token: str, unique_id: str, model: str) -> None:
        """Opens a job that gets its rows from the host.

        It may ask about the project, but neither read nor write. No connection is opened.
        """
        self.start()
        self._jobs.add(Job(id, token, unique_id, role=UNIT_TEST, model=model))

    def open_native_job(self, id: str, unique_id: str, connection: Any, code: str) -> Job:
        warehouse: Any = self.warehouse()
        self.start()

        def write(reader: Any) -> int:
            return int(warehouse.write_native(connection, code, reader))

        job = Job(id, secrets.token_hex(16), unique_id, NativeWrite(write), native=True)
        self._jobs.add(job)
        return job

    def runs_native(self) -> bool:
        """Whether dbt's own materialization writes the rows of dbt-native models on this warehouse."""
        return facts_of(self._project.adapter.type()).takes_native_rows

    def open_staged_job(self, id: str, node: Any) -> Job:
        """Opens a job for a dbt-native model whose rows are written like a script's."""
        plan = self._materializer.plan(node, table_of(self._project, node))
        self.start()
        write = self._started(node.unique_id, plan)
        job = Job(id, secrets.token_hex(16), node.unique_id, write, native=True)
        self._jobs.add(job)
        return job

    def close_staged_job(self, job: Job, ok: bool) -> NodeResult:
        """Commits or undoes the job's write; the result is not recorded."""
        job = self._taken(job.id) or job
        result: NodeResult = {
            "unique_id": job.unique_id,
            "status": "success" if ok else "error",
            "message": None,
        }
        return _settled(job, ok, result)

    def deliver(self, job: Job) -> Job:
        """Passes the rows of a native job that succeeded to dbt.

        Returns the job, or the valid attempt of a leased job.
        """
        job = self._jobs.find(job.id) or job
        if isinstance(job.model_write, NativeWrite):
            job.model_write.deliver()
        return job

    def forget_job(self, id: str) -> None:
        self._taken(id)

    def _taken(self, id: str) -> Job | None:
        """Takes a job out of the table; for a leased job, its valid attempt."""
        job = self._jobs.find(id)
        if job is not None and job.lease is not None:
            job.lease.settle()
        job = self._jobs.take(id)
        if job is not None:
            job.seal()
        return job

    def close_job(self, id: str, ok: bool, result: NodeResult) -> NodeResult:
        """Commits or rolls back a job, and returns the result that dbt records."""
        job = self._taken(id)
        if job is None:
            raise SessionError("session::order", f"job {id} is not open")
        result = {**result, "unique_id": job.unique_id}
        if job.attached:
            return _with_writes(result, job)
        relation = table_of(self._project, self._project.manifest.expect(job.unique_id))
        result = _settled(job, ok, result)
        self._project.record(result, str(relation))
        return {**result, "relation_name": str(relation)}

    def abandon(self) -> list[Job]:
        """Undoes all open jobs, and returns them."""
        taken = (self._taken(job.id) for job in self._jobs.all())
        jobs = [job for job in taken if job is not None]
        for job in jobs:
            job.undo()
        return jobs

    def cancel(self) -> None:
        for job in self._jobs.all():
            job.news.set()
        if self._warehouse is not None:
            self._warehouse.cancel()

    # Requests of jobs. Each method is called with dbt's context set.

    def admit(self, peer: str, action: str | None, token: Any) -> None:
        """Admits every call: only the user can reach this socket, and each call's token is checked
        later.
        """

    def call(self, function: Any, *args: Any) -> Any:
        return self._project.within(function, *args)

    def read(self, ticket: dict[str, Any]) -> Reading:
        job = self._jobs.by_token(ticket.get("token"))
        job.check_uses_warehouse()
        if self._project.cancelled.is_set():
            raise SessionError("gateway::cancelled", "The run was interrupted")
        with ACTIVITY.running():
            reading = self._reads.read(job, ticket)
        return reading if job.lease is None else _watched(job, reading)

    def write(self, command: dict[str, Any], schema: Any, reader: Any) -> int:
        """Writes the rows of Flight's `reader` to a relation."""
        job = self._jobs.by_token(command.get("token"))
        job.check_uses_warehouse()
        if self._project.cancelled.is_set():
            raise SessionError("gateway::cancelled", "The run was interrupted")
        if job.lease is None:
            return self._write(job, command, schema, reader)
        pump = Pump(reader)
        job.watch(pump)
        try:
            return pump.run(lambda rows: int(self.call(self._write, job, command, schema, rows)))
        finally:
            job.unwatch(pump)

    def _write(self, job: Job, command: dict[str, Any], schema: Any, reader: Any) -> int:
        self.warehouse().column_rules.check(schema)
        if command.get("op") == "write_relation" and job.native:
            return job.write(reader.to_reader(), None, {})
        return self._writes.write(job, command, schema, reader)

    def action(self, name: str, body: dict[str, Any]) -> Any:
        if name in OF_LEASES:
            return self.leases.action(name, body)
        job = self._jobs.by_token(body.get("token"))
        if name == "unit_test_sql" and job.role == UNIT_TEST:
            return self._project.compile_unit_test(job.unique_id, str(body.get("sql")))
        with ACTIVITY.running():
            if name == "is_incremental":
                return self._is_incremental(job)
            return catalogue.answer(self._project, name, job)

    def _is_incremental(self, job: Job) -> bool:
        if job.node_id is None:
            raise SessionError(
                "gateway::op", "A global script belongs to no model that could be incremental"
            )
        return self._materializer.is_incremental(self._project.manifest.expect(job.node_id))

    def warehouse(self) -> Warehouse:
        if self._warehouse is None:
            warehouse = for_adapter(self._project.adapter)
            if self._project.show_limit is not None:
                _only_read(warehouse, self._project.adapter.type())
            self._warehouse = warehouse
        return self._warehouse


def _only_read(warehouse: Any, adapter: str) -> None:
    # Packages for other warehouses may be older than `show` of Python models.
    if not hasattr(warehouse, "only_read"):
        raise SessionError(
            "gateway::show",
            f"`show` of Python models needs a warehouse with `only_read`, which the package for {adapter} does not have",
        )
    warehouse.only_read()


def _settled(job: Job, ok: bool, result: NodeResult) -> NodeResult:
    """The job's result, after its write was committed or undone."""
    if ok and isinstance(job.model_write, (ModelWrite, Preview)):
        return job.model_write.commit(result)
    job.undo()
    return result


def _watched(job: Job, reading: Reading) -> Reading:
    watched = Watched(reading.reader, reading.close)

    def close() -> None:
        job.unwatch(watched)
        watched.close()

    try:
        job.watch(watched)
    except BaseException:
        watched.close()
        raise
    return Reading(watched, close, reading.typed)


def _with_writes(result: NodeResult, job: Job) -> NodeResult:
    """The result of a script; if it has no message, the message lists the tables it wrote."""
    if result.get("message") or not job.written:
        return result
    rows: dict[str, int] = {}
    for relation, count in job.written:
        rows[relation] = rows.get(relation, 0) + count
    tables = ", ".join(
        f"{count} row{'s' * (count != 1)} to {relation}" for relation, count in rows.items()
    )
    return {**result, "message": f"wrote {tables}", "rows_affected": sum(rows.values())}
