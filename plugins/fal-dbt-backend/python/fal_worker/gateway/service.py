"""What the gateway does for a job, without the wire: reads, writes, the lists of models and sources."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from fal_worker.session.errors import SessionError
from fal_worker.session.inline import compile_sql

from . import catalogue, resolve
from .jobs import Job, JobTable
from .warehouse import PendingWrite, Reading, Warehouse, for_adapter

if TYPE_CHECKING:
    from fal_worker.session.invocation import Invocation
    from fal_worker.session.outbox import Outbox


class Gateway:
    """Serves the jobs of one invocation. Starts its server when the first job is there."""

    def __init__(self, invocation: Invocation, outbox: Outbox, socket_dir: str) -> None:
        self.location = "grpc+unix://" + os.path.join(socket_dir, "gateway.sock")
        self._invocation, self._outbox = invocation, outbox
        self._jobs = JobTable()
        self._start = threading.Lock()
        self._server: Any = None
        self._warehouse: Warehouse | None = None

    # Jobs.

    def start(self) -> None:
        """Imports what is needed and listens. May be called ahead of time, by any thread, any number of times."""
        with self._start:
            if self._server is None:
                from .server import serve

                self._server = serve(self, self.location)

    def open_job(self, id: str, token: str, unique_id: str) -> None:
        if unique_id not in self._invocation.selected:
            raise SessionError("session::unknown_node", f"{unique_id} is not among the nodes of `begin`")
        self.warehouse()
        self.start()
        self._jobs.add(Job(id, token, unique_id))

    def open_native_job(self, id: str, unique_id: str, connection: Any, code: str) -> Job:
        import secrets

        warehouse = self.warehouse()
        self.start()
        job = Job(id, secrets.token_hex(16), unique_id, lambda reader: warehouse.write_native(connection, code, reader))
        self._jobs.add(job)
        return job

    def forget_job(self, id: str) -> None:
        self._jobs.take(id)

    def close_job(self, id: str, ok: bool, result: dict[str, Any]) -> dict[str, Any]:
        """Commits or rolls back, and gives the result as it is recorded in dbt."""
        job = self._jobs.take(id)
        if job is None:
            raise SessionError("session::order", f"job {id} is not open")
        job.seal()
        relation = self._relation_of(job.unique_id)
        result = {**result, "unique_id": job.unique_id}
        if job.pending is not None:
            result = self._settle(job, job.pending, ok, relation, result)
        self._invocation.record(result, str(relation))
        return {**result, "relation_name": str(relation)}

    def _settle(self, job: Job, pending: PendingWrite, ok: bool, relation: Any, result: dict[str, Any]) -> dict[str, Any]:
        if not ok:
            pending.rollback()
            return result
        try:
            pending.commit()
        except SessionError as error:
            return {**result, "status": "error", "message": error.message}
        self._committed(job.unique_id, relation)
        message = f"SELECT {job.rows}"
        response = {"_message": message, "code": "SELECT", "rows_affected": job.rows}
        return {**result, "message": message, "rows_affected": job.rows, "adapter_response": response}

    def _committed(self, unique_id: str, relation: Any) -> None:
        """dbt learns of the new table; the stub is compiled, as dbt's artifacts have it of an ephemeral model that ran."""
        invocation, adapter = self._invocation, self._invocation.adapter
        with adapter.connection_named(unique_id):
            old = adapter.get_relation(relation.database, relation.schema, relation.identifier)
            if old is not None:
                adapter.cache_dropped(old)
            adapter.cache_added(relation.incorporate(type="table"))
            node = invocation.task.manifest.expect(unique_id)
            if not node.compiled:
                invocation.task.compiler.compile_node(node, invocation.task.manifest, {})

    def abandon(self) -> list[Job]:
        """Rolls back whatever is open; says which jobs that were."""
        jobs = self._jobs.all()
        for job in jobs:
            self._jobs.take(job.id)
            job.seal()
            if job.pending is not None:
                job.pending.rollback()
        return jobs

    def cancel(self) -> None:
        if self._warehouse is not None:
            self._warehouse.cancel()

    # What jobs ask. Each is called with dbt's context set.

    def call(self, function: Any, *args: Any) -> Any:
        return self._invocation.within(function, *args)

    def read(self, ticket: dict[str, Any]) -> Reading:
        job = self._jobs.by_token(ticket.get("token"))
        if self._invocation.cancelled.is_set():
            raise SessionError("gateway::cancelled", "The run was interrupted")
        sql = self._sql(job, ticket)
        return self.warehouse().read(sql)

    def _sql(self, job: Job, ticket: dict[str, Any]) -> str:
        op = ticket.get("op")
        if op == "ref":
            node = resolve.ref(self._invocation, self._node(job), ticket.get("args") or [], ticket.get("version"))
            return self._select(job, node)
        if op == "source":
            return self._select(job, resolve.source(self._invocation, self._node(job), ticket.get("args") or []))
        if op == "relation":
            return f"select * from {ticket['relation']}"
        if op == "sql":
            return str(ticket["sql"]) if ticket.get("raw") else self._compiled(job, str(ticket["sql"]))
        raise SessionError("gateway::op", f"The gateway has no read called {op!r}")

    def _select(self, job: Job, target: Any) -> str:
        self._check_declared(job, target.unique_id)
        relation = resolve.relation(self._invocation, self._node(job), target)
        if relation is not None:
            return f"select * from {relation}"
        package, version = target.package_name, target.version
        pinned = f", version={str(version)!r}" if version is not None else ""
        return compile_sql(self._invocation, f"select * from {{{{ ref('{package}', '{target.name}'{pinned}) }}}}").sql

    def _compiled(self, job: Job, sql: str) -> str:
        try:
            compiled = compile_sql(self._invocation, sql, self._node(job))
        except Exception as error:
            from fal_worker.session.errors import from_exception

            raise from_exception(error) from None
        for unique_id in compiled.reads:
            self._check_declared(job, unique_id)
        return compiled.sql

    def _check_declared(self, job: Job, unique_id: str) -> None:
        if unique_id == job.unique_id or unique_id in self._node(job).depends_on.nodes:
            return
        name = unique_id.split(".", 2)[-1]
        message = f"{job.unique_id} reads {unique_id}, which it does not declare"
        if unique_id in self._invocation.selected:
            raise SessionError("gateway::undeclared", message, f"Name it in the docstring: - {_call(unique_id, name)}")
        if unique_id not in job.warned:
            job.warned.add(unique_id)
            self._outbox.log("warn", message, "UndeclaredRead", job.unique_id)

    def write(self, command: dict[str, Any], schema: Any, reader: Any) -> int:
        job = self._jobs.by_token(command.get("token"))
        op = command.get("op")
        if op == "write_relation" and job.native:
            return job.write_native(reader)
        if op != "write_to_model" or job.native:
            raise SessionError("gateway::op", f"The gateway has no write called {op!r} for this job")
        if (mode := command.get("mode", "overwrite")) != "overwrite":
            raise SessionError("gateway::mode", f"Models are written with mode `overwrite`, not `{mode}`")
        relation = self._relation_of(job.unique_id)
        return job.write(lambda: self.warehouse().begin_write(relation, schema, reader))

    def action(self, name: str, body: dict[str, Any]) -> Any:
        job = self._jobs.by_token(body.get("token"))
        return catalogue.answer(self._invocation, name, self._node(job))

    # Small things.

    def warehouse(self) -> Warehouse:
        if self._warehouse is None:
            self._warehouse = for_adapter(self._invocation.adapter)
        return self._warehouse

    def _node(self, job: Job) -> Any:
        return self._invocation.task.manifest.expect(job.unique_id)

    def _relation_of(self, unique_id: str) -> Any:
        node = self._invocation.task.manifest.expect(unique_id)
        return self._invocation.adapter.Relation.create_from(self._invocation.task.config, node)


def _call(unique_id: str, name: str) -> str:
    if unique_id.startswith("source."):
        source, table = name.split(".", 1)
        return f"source('{source}', '{table}')"
    return f"ref('{name}')"
