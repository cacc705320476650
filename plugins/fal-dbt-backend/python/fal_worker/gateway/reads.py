"""What a job reads: the SQL behind `ref`, `source` and `execute_sql`, and whether it may be read now."""

from __future__ import annotations

import base64
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from fal_worker.session.errors import SessionError, from_exception
from fal_worker.session.inline import compile_sql
from fal_worker.session.stub_refs import OPEN_WRITE

from . import own_table, part, resolve

if TYPE_CHECKING:
    from fal_worker.session.invocation import Invocation
    from fal_worker.session.outbox import Outbox

    from .jobs import Job
    from .warehouse import Reading, Warehouse


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


def relation_of(invocation: Invocation, node: Any) -> Any:
    """The table of a node, also where dbt sees none: a stub's."""
    return invocation.adapter.Relation.create_from(invocation.task.config, node)


class Reads:
    """Turns tickets into SQL, and runs it."""

    def __init__(self, invocation: Invocation, outbox: Outbox, warehouse: Callable[[], Warehouse]) -> None:
        self._invocation, self._outbox, self._warehouse = invocation, outbox, warehouse

    def read(self, job: Job, ticket: dict[str, Any]) -> Reading:
        """The rows that a ticket stands for. To be called with dbt's context set."""
        with own_table.shown(job) as own:
            sql = self.sql(job, ticket)
            if own is not None and ticket.get("op") == "sql":
                self._check_by_hand(job, own, sql)
            return self._run(sql)

    def _run(self, sql: str) -> Reading:
        own = OPEN_WRITE.get()
        return own.read(sql) if own is not None and own.is_in(sql) else self._warehouse().read(sql)

    def _check_by_hand(self, job: Job, own: own_table.OwnTable, sql: str) -> None:
        """A table that is named without `ref` or `this` is read as it is, which may be as it was."""
        if own.is_named_by_hand(sql, str(relation_of(self._invocation, node_of(self._invocation, job)).identifier)):
            self._warn(job, job.unique_id, "OldTable", "by its name, so as it was before the write: `{{ this }}` gives the new rows")

    def sql(self, job: Job, ticket: dict[str, Any]) -> str:
        """The query that a ticket stands for. To be called with dbt's context set."""
        op, args = ticket.get("op"), ticket.get("args") or []
        if op in ("ref", "source"):
            version = ticket.get("version") if op == "ref" else None
            return self._select(job, self._read(job, op, args, version), part.wanted(ticket), resolve.shown(op, args, version))
        if op == "relation":
            relation = str(ticket["relation"])
            return self._relation(job, relation, part.wanted(ticket), relation)
        if op == "sql":
            return str(ticket["sql"]) if ticket.get("raw") else self._compiled(job, str(ticket["sql"]))
        raise SessionError("gateway::op", f"The gateway has no read called {op!r}")

    def described(self, job: Job, ticket: dict[str, Any]) -> dict[str, Any]:
        """For a read of a whole relation of the project: whose it is, and with which schema its rows come. Of what is not just
        the table of a node (another target's, a part, an ephemeral model), or has types that depend on its values, nothing is told."""
        if ticket.get("op") == "ref":
            read = self._read(job, "ref", ticket.get("args") or [], ticket.get("version"))
            relation, target = read.relation, read.nodes[0] if len(read.nodes) == 1 else None
        else:
            relation = str(ticket.get("relation"))
            target = self._parent(reader_of(self._invocation, job), relation)
        if target is None or target.unique_id == job.node_id or relation != str(relation_of(self._invocation, target)):
            return {"unique_id": None, "schema": None}
        reading = self._warehouse().read(f"select * from {relation} where 1 = 0")
        try:
            schema = base64.b64encode(reading.reader.schema.serialize()).decode() if reading.typed else None
        finally:
            reading.close()
        return {"unique_id": target.unique_id, "schema": schema}

    def _parent(self, reader: Any, relation: str) -> Any:
        nodes = (self._invocation.task.manifest.nodes.get(unique_id) for unique_id in reader.depends_on.nodes)
        return next((node for node in nodes if node is not None and str(relation_of(self._invocation, node)) == relation), None)

    def _read(self, job: Job, function: str, args: list[Any], version: Any) -> resolve.Read:
        invocation = self._invocation
        read = resolve.read(invocation, reader_of(invocation, job), node_of(invocation, job), function, args, version)
        for node in read.nodes:
            self._check(job, node.unique_id)
        return read

    def _select(self, job: Job, read: resolve.Read, fields: dict[str, Any], call: str) -> str:
        if read.relation is None:
            # An ephemeral model is compiled into the query.
            return self._compiled(job, self._part(f"{{{{ {read.jinja} }}}}", fields, call, is_jinja=True))
        return self._relation(job, read.relation, fields, call)

    def _relation(self, job: Job, relation: str, fields: dict[str, Any], call: str) -> str:
        if not part.is_jinja(fields):
            return self._part(relation, fields, call, is_jinja=False)
        return self._compiled(job, self._part(part.raw(relation), fields, call, is_jinja=True))

    def _part(self, relation: str, fields: dict[str, Any], call: str, is_jinja: bool) -> str:
        def names() -> list[str]:
            empty = f"select * from {relation} where 1 = 0"
            reading = self._run(compile_sql(self._invocation, empty).sql if is_jinja else empty)
            try:
                return list(reading.reader.schema.names)
            finally:
                reading.close()

        written = part.raw if is_jinja else str
        return part.query(self._invocation.adapter, relation, fields, call, names, written)

    def _compiled(self, job: Job, sql: str) -> str:
        try:
            compiled = compile_sql(self._invocation, sql, node_of(self._invocation, job))
        except Exception as error:
            own = OPEN_WRITE.get()
            raise (own and own.refusal) or from_exception(error) from None
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
            call = _call(unique_id, name)
            way = f"Call dbt.{call}: that is how dbt knows." if job.native else f"Name it in the docstring: - {call}"
            raise SessionError("gateway::undeclared", message, way)
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
