"""What a job reads: the SQL behind `ref`, `source` and `execute_sql`, and whether it may be read now."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from fal_worker.session.errors import SessionError, from_exception
from fal_worker.session.inline import compile_sql

from . import resolve

if TYPE_CHECKING:
    from fal_worker.session.invocation import Invocation
    from fal_worker.session.outbox import Outbox

    from .jobs import Job


def node_of(invocation: Invocation, job: Job) -> Any:
    """dbt's node from whose place the job sees the project; `None` for a global script."""
    return None if job.node_id is None else invocation.task.manifest.expect(job.node_id)


def reader_of(invocation: Invocation, job: Job) -> Any:
    """The same, for dbt's resolvers: a global script stands in the root project."""
    node = node_of(invocation, job)
    if node is not None:
        return node
    root = invocation.task.config.project_name
    depends_on = SimpleNamespace(nodes=[], macros=[])
    return SimpleNamespace(
        unique_id=job.unique_id, name=job.unique_id, package_name=root, resource_type="operation", depends_on=depends_on, config=None
    )


class Reads:
    """Turns tickets into SQL."""

    def __init__(self, invocation: Invocation, outbox: Outbox) -> None:
        self._invocation, self._outbox = invocation, outbox

    def sql(self, job: Job, ticket: dict[str, Any]) -> str:
        """The query that a ticket stands for. To be called with dbt's context set."""
        op, args = ticket.get("op"), ticket.get("args") or []
        reader = reader_of(self._invocation, job)
        if op == "ref":
            return self._select(job, resolve.ref(self._invocation, reader, args, ticket.get("version")))
        if op == "source":
            return self._select(job, resolve.source(self._invocation, reader, args))
        if op == "relation":
            return f"select * from {ticket['relation']}"
        if op == "sql":
            return str(ticket["sql"]) if ticket.get("raw") else self._compiled(job, str(ticket["sql"]))
        raise SessionError("gateway::op", f"The gateway has no read called {op!r}")

    def _select(self, job: Job, target: Any) -> str:
        self._check(job, target.unique_id)
        relation = resolve.relation(self._invocation, reader_of(self._invocation, job), target)
        if relation is not None:
            return f"select * from {relation}"
        package, version = target.package_name, target.version
        pinned = f", version={str(version)!r}" if version is not None else ""
        return compile_sql(self._invocation, f"select * from {{{{ ref('{package}', '{target.name}'{pinned}) }}}}").sql

    def _compiled(self, job: Job, sql: str) -> str:
        try:
            compiled = compile_sql(self._invocation, sql, node_of(self._invocation, job))
        except Exception as error:
            raise from_exception(error) from None
        for unique_id in compiled.reads:
            self._check(job, unique_id)
        return compiled.sql

    def _check(self, job: Job, unique_id: str) -> None:
        """A model must declare what it reads, since it runs beside what it does not declare. A script need not: the
        graph knows only its model, so it is told when it comes too early."""
        if unique_id == job.node_id:
            return
        if job.attached:
            if self._is_to_come(unique_id):
                self._warn(job, unique_id, "EarlyRead", "which is part of this run and has not run yet")
            return
        if unique_id in reader_of(self._invocation, job).depends_on.nodes:
            return
        if unique_id in self._invocation.selected:
            name = unique_id.split(".", 2)[-1]
            message = f"{job.unique_id} reads {unique_id}, which it does not declare"
            raise SessionError("gateway::undeclared", message, f"Name it in the docstring: - {_call(unique_id, name)}")
        self._warn(job, unique_id, "UndeclaredRead", "which it does not declare")

    def _is_to_come(self, unique_id: str) -> bool:
        """Whether this run makes it, and has not yet. Sources and ephemeral models are not made at all."""
        invocation = self._invocation
        node = invocation.task.manifest.nodes.get(unique_id) if unique_id in invocation.selected else None
        if node is None or (getattr(node, "is_ephemeral_model", False) and unique_id not in invocation.stubs):
            return False
        return invocation.outcomes.of(unique_id) is None

    def _warn(self, job: Job, unique_id: str, name: str, why: str) -> None:
        if unique_id not in job.warned:
            job.warned.add(unique_id)
            self._outbox.log("warn", f"{job.unique_id} reads {unique_id}, {why}", name, job.unique_id)


def _call(unique_id: str, name: str) -> str:
    if unique_id.startswith("source."):
        source, table = name.split(".", 1)
        return f"source('{source}', '{table}')"
    return f"ref('{name}')"
