"""The reads of a job: the SQL behind `ref`, `source` and `execute_sql`, and whether it may run now."""

from __future__ import annotations

import base64
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError, from_exception
from fal_worker.project import resolve
from fal_worker.project.interface import OPEN_WRITE, Compiled, is_ephemeral, table_of
from fal_worker.project.readable import Readable, Relations, refused
from fal_worker.warehouse.registry import facts_of

from . import own_table, row_filter

if TYPE_CHECKING:
    from fal_worker.project.interface import Project
    from fal_worker.protocol import Outbox
    from fal_worker.warehouse.interface import Reading, Warehouse

    from .jobs import Job


def node_of(project: Project, job: Job) -> Any:
    """dbt's node from which the job sees the project; `None` for a global script."""
    return None if job.node_id is None else project.manifest.expect(job.node_id)


def reader_of(project: Project, job: Job) -> Any:
    """The same node for dbt's resolvers, which treat a global script as part of the root project."""
    node = node_of(project, job)
    if node is not None:
        return node
    root = project.config.project_name
    depends_on = SimpleNamespace(nodes=[], macros=[])
    return SimpleNamespace(
        unique_id=job.unique_id,
        name=job.unique_id,
        package_name=root,
        resource_type="operation",
        depends_on=depends_on,
        config=None,
    )


class Reads:
    """Turns tickets into SQL, and runs it."""

    def __init__(
        self, project: Project, outbox: Outbox, warehouse: Callable[[], Warehouse]
    ) -> None:
        self._project, self._outbox, self._warehouse = project, outbox, warehouse
        self._relations = Relations(project, folds=facts_of(project.adapter.type()).folds_names)
        # Variables of the environment that Jinja of leased jobs may read.
        self.leased_variables: frozenset[str] = frozenset()

    def read(self, job: Job, ticket: dict[str, Any]) -> Reading:
        """Returns the rows that a ticket asks for. Must be called with dbt's context set."""
        with own_table.shown(job) as own:
            sql = self._sql(job, ticket)
            if own is not None and ticket.get("op") == "sql":
                self._check_by_hand(job, own, sql)
            return self._run(job, sql)

    def _run(self, job: Job, sql: str) -> Reading:
        own = OPEN_WRITE.get()
        checked = () if job.lease is None or not self._is_checked else (self._readable(job, own),)
        return (
            own.read(sql, *checked)
            if own is not None and own.is_in(sql)
            else self._warehouse().read(sql, *checked)
        )

    @property
    def _is_checked(self) -> bool:
        """Whether the warehouse checks statements of leased jobs.

        Elsewhere only what the gateway itself writes may run.
        """
        return facts_of(self._project.adapter.type()).checks_leased

    def _readable(self, job: Job, own: own_table.OwnTable | None) -> Readable:
        node = node_of(self._project, job)
        added = None if own is None else (str(node.schema), own.identifier)
        return Readable(
            self._relations, lambda unique_id: self._check(job, unique_id), added, self._sent(job)
        )

    def _sent(self, job: Job) -> tuple[str, ...]:
        """The relations to which macros that override `ref` and `source` send the job's declared
        reads.
        """
        project, reader = self._project, reader_of(self._project, job)
        if not resolve.has_macros(project):
            return ()
        nodes = (project.manifest.expect(unique_id) for unique_id in reader.depends_on.nodes)
        reads = (resolve.read_of(project, reader, node_of(project, job), node) for node in nodes)
        return tuple(read.relation for read in reads if read.relation is not None)

    def _check_by_hand(
        self, job: Job, own: own_table.OwnTable | own_table.NotMade, sql: str
    ) -> None:
        """Warns of a read of the model's own table by its plain name: it returns the rows from
        before the write.
        """
        if own.is_named_by_hand(
            sql, str(table_of(self._project, node_of(self._project, job)).identifier)
        ):
            self._warn(
                job,
                job.unique_id,
                "OldTable",
                "by its name, so as it was before the write: `{{ this }}` gives the new rows",
            )

    def _sql(self, job: Job, ticket: dict[str, Any]) -> str:
        """Returns the query of a ticket."""
        if job.lease is not None and not self._is_checked:
            ticket = self._without_free_sql(job, ticket)
        op, args = ticket.get("op"), ticket.get("args") or []
        if op in ("ref", "source"):
            version = ticket.get("version") if op == "ref" else None
            return self._select(
                job,
                self._read(job, op, args, version),
                row_filter.wanted(ticket),
                resolve.shown(op, args, version),
            )
        if op == "relation":
            relation = str(ticket["relation"])
            return self._relation(job, relation, row_filter.wanted(ticket), relation)
        if op == "sql":
            return (
                str(ticket["sql"]) if ticket.get("raw") else self._compiled(job, str(ticket["sql"]))
            )
        raise SessionError("gateway::op", f"The gateway has no read called {op!r}")

    def _without_free_sql(self, job: Job, ticket: dict[str, Any]) -> dict[str, Any]:
        """The ticket, if all SQL in it is the gateway's own, or a condition that means the same
        everywhere.
        """
        if ticket.get("op") == "sql":
            raise refused(
                f"there is no check of statements for {self._project.adapter.type()}; read with ref and source"
            )
        relation = ticket.get("relation")
        readable = self._readable(job, None)
        if ticket.get("op") == "relation" and not readable.allows_text(str(relation)):
            raise readable.unknown(str(relation))
        where = ticket.get("where")
        if not isinstance(where, str):
            return ticket
        condition = self._compiled(job, where) if row_filter.is_jinja({"where": where}) else where
        if row_filter.is_jinja({"where": condition}) or not row_filter.is_plain(condition):
            kind = self._project.adapter.type()
            raise refused(
                f"`where` may only compare columns with values, since there is no check of statements for {kind}"
            )
        return {**ticket, "where": condition}

    def described(self, job: Job, ticket: dict[str, Any]) -> dict[str, Any]:
        """For a read of a whole relation of the project: whose it is, and with which schema its
        rows come.

        Of what is not just the table of a node (another target's, a part, an ephemeral model), or
        has types that depend on its values, both are null.
        """
        if ticket.get("op") == "ref":
            read = self._read(job, "ref", ticket.get("args") or [], ticket.get("version"))
            relation, target = read.relation, read.nodes[0] if len(read.nodes) == 1 else None
        else:
            relation = str(ticket.get("relation"))
            target = self._parent(reader_of(self._project, job), relation)
        if (
            target is None
            or target.unique_id == job.node_id
            or relation != str(table_of(self._project, target))
        ):
            return {"unique_id": None, "schema": None}
        reading = self._warehouse().read(f"select * from {relation} where 1 = 0")
        try:
            schema = (
                base64.b64encode(reading.reader.schema.serialize()).decode()
                if reading.typed
                else None
            )
        finally:
            reading.close()
        return {"unique_id": target.unique_id, "schema": schema}

    def _parent(self, reader: Any, relation: str) -> Any:
        nodes = (
            self._project.manifest.nodes.get(unique_id) for unique_id in reader.depends_on.nodes
        )
        return next(
            (
                node
                for node in nodes
                if node is not None and str(table_of(self._project, node)) == relation
            ),
            None,
        )

    def _read(self, job: Job, function: str, args: list[Any], version: Any) -> resolve.Read:
        project = self._project
        read = resolve.read(
            project,
            reader_of(project, job),
            node_of(project, job),
            function,
            args,
            version,
        )
        for node in read.nodes:
            self._check(job, node.unique_id)
        return read

    def _select(self, job: Job, read: resolve.Read, fields: dict[str, Any], call: str) -> str:
        if read.relation is None:
            # An ephemeral model is compiled into the query.
            return self._compiled(
                job, self._part(job, f"{{{{ {read.jinja} }}}}", fields, call, is_jinja=True)
            )
        return self._relation(job, read.relation, fields, call)

    def _relation(self, job: Job, relation: str, fields: dict[str, Any], call: str) -> str:
        if not row_filter.is_jinja(fields):
            return self._part(job, relation, fields, call, is_jinja=False)
        return self._compiled(
            job, self._part(job, row_filter.raw(relation), fields, call, is_jinja=True)
        )

    def _part(
        self, job: Job, relation: str, fields: dict[str, Any], call: str, is_jinja: bool
    ) -> str:
        def names() -> list[str]:
            empty = f"select * from {relation} where 1 = 0"
            reading = self._run(job, self._rendered(job, empty).sql if is_jinja else empty)
            try:
                return list(reading.reader.schema.names)
            finally:
                reading.close()

        written = row_filter.raw if is_jinja else str
        return row_filter.query(self._project.adapter, relation, fields, call, names, written)

    def _compiled(self, job: Job, sql: str) -> str:
        compiled = self._rendered(job, sql)
        for unique_id in compiled.reads:
            self._check(job, unique_id)
        return compiled.sql

    def _rendered(self, job: Job, sql: str) -> Compiled:
        leased = None if job.lease is None else self.leased_variables
        try:
            return self._project.compile_sql(sql, node_of(self._project, job), leased)
        except Exception as error:  # noqa: BLE001 (raised again)
            own = OPEN_WRITE.get()
            raise (own and own.refusal) or from_exception(_origin(error)) from None

    def _check(self, job: Job, unique_id: str) -> None:
        """A model must declare what it reads, since it runs beside what it does not declare.

        A script need not: the graph knows only its model, so a warning says when it comes too
        early.
        """
        if unique_id == job.node_id:
            return
        if job.attached:
            if self._is_to_come(unique_id):
                self._warn(
                    job, unique_id, "EarlyRead", "which is part of this run and has not run yet"
                )
            return
        if unique_id in self._declared(job):
            return
        if unique_id in self._project.selected:
            name = unique_id.split(".", 2)[-1]
            message = f"{job.unique_id} reads {unique_id}, which it does not declare"
            call = _call(unique_id, name)
            way = (
                f"Call dbt.{call}: that is how dbt knows."
                if job.native
                else f"Name it in the docstring: - {call}"
            )
            raise SessionError("gateway::undeclared", message, way)
        self._warn(job, unique_id, "UndeclaredRead", "which it does not declare")

    def _declared(self, job: Job) -> set[str]:
        """What it depends on. SQL of an ephemeral model is part of the statement, so what that
        reads is read, too.
        """
        nodes = self._project.manifest.nodes
        waiting, found = list(reader_of(self._project, job).depends_on.nodes), set()
        while waiting:
            found.add(unique_id := waiting.pop())
            node = nodes.get(unique_id)
            if node is not None and is_ephemeral(self._project, node):
                waiting.extend(each for each in node.depends_on.nodes if each not in found)
        return found

    def _is_to_come(self, unique_id: str) -> bool:
        """Whether this run makes it, and has not yet.

        Sources and ephemeral models are not made at all.
        """
        project = self._project
        node = project.manifest.nodes.get(unique_id) if unique_id in project.selected else None
        if node is None or is_ephemeral(project, node):
            return False
        return project.outcomes.of(unique_id) is None

    def _warn(self, job: Job, unique_id: str, name: str, why: str) -> None:
        if unique_id not in job.warned:
            job.warned.add(unique_id)
            self._outbox.log(
                "warn", f"{job.unique_id} reads {unique_id}, {why}", name, job.unique_id
            )


def _origin(error: Exception) -> BaseException:
    """The `SessionError` behind an error that dbt reworded, if there is one."""
    inner: BaseException | None = error
    while inner is not None and not isinstance(inner, SessionError):
        inner = inner.__cause__ or inner.__context__
    return inner or error


def _call(unique_id: str, name: str) -> str:
    if unique_id.startswith("source."):
        source, table = name.split(".", 1)
        return f"source('{source}', '{table}')"
    return f"ref('{name}')"
