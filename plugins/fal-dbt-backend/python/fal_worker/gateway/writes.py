"""What jobs write: a model its own relation, pending until it ends; models and scripts other tables, final at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.project import resolve
from fal_worker.warehouse.activity import ACTIVITY
from fal_worker.warehouse.dtypes import sql_types
from fal_worker.warehouse.finishing import finishing
from fal_worker.warehouse.interface import Finish, Place
from fal_worker.warehouse.registry import facts_of

from .reads import node_of, reader_of, relation_of

if TYPE_CHECKING:
    from fal_worker.engine.invocation import Invocation
    from fal_worker.warehouse.interface import PendingWrite, Warehouse

    from .jobs import Job

MODES = ("overwrite", "append")
# Metadata at the end of a stream that counts at once; without it the stream broke off.
_END = b"end"
_IN_A_MODEL = "Make it a Python model: a .py or .ipynb file in a folder of models that calls write_to_model(df)."


class Writes:
    """Takes streams. Each method is called with dbt's context set."""

    def __init__(self, invocation: Invocation, warehouse: Callable[[], Warehouse]) -> None:
        self._invocation, self._warehouse = invocation, warehouse
        self._lock = threading.Lock()
        self._busy: dict[str, threading.Lock] = {}

    def write(self, job: Job, command: dict[str, Any], schema: Any, reader: Any) -> int:
        """Does what a command asks, if this job may; gives the number of rows."""
        op = command.get("op")
        if op not in ("write_to_model", "write_to_source") or job.native:
            raise SessionError(
                "gateway::op", f"The gateway has no write called {op!r} for this job"
            )
        if job.hook:
            raise SessionError(
                "gateway::write_in_hook", f"{op} cannot be called in a hook", _IN_A_MODEL
            )
        mode = command.get("mode")
        adapter = self._invocation.adapter.type()
        types = sql_types(adapter, facts_of(adapter), command.get("dtype") or {})
        if op == "write_to_model" and not job.attached:
            assert job.plan is not None
            relation, mode = job.plan.target(mode)
            return job.write(lambda: self._begin(relation, reader.to_reader(), mode, types))
        if (mode := mode or "overwrite") not in MODES:
            raise SessionError(
                "gateway::mode",
                f"Tables are written with mode `overwrite` or `append`, not `{mode}`",
            )
        target = self._target(job, op, command.get("args") or [])
        return self._final(job, target, schema, reader, mode, types)

    def returned(self, job: Job, reader: Any) -> int:
        """The rows that a dbt-native model returned; pending until its job is closed."""
        assert job.plan is not None
        relation, mode = job.plan.target(None)
        return job.write(lambda: self._begin(relation, reader, mode, {}))

    def announce(self, relation: Any, is_new: bool) -> None:
        """dbt learns of a new table, and that what hung on the old one is gone."""
        adapter = self._invocation.adapter
        with adapter.connection_named(f"fal_{relation.identifier}"):
            old = adapter.get_relation(relation.database, relation.schema, relation.identifier)
            if old is not None and not is_new:
                return
            if old is not None:
                adapter.cache_dropped(old)
            adapter.cache_added(relation.incorporate(type="table"))

    def _target(self, job: Job, op: str, args: list[Any]) -> _Target:
        reader = reader_of(self._invocation, job)
        if op == "write_to_source":
            node = resolve.source(self._invocation, reader, args)
            return _Target(
                _table_of_source(relation_of(self._invocation, node), args), None, Place.SOURCE
            )
        node = (
            resolve.ref(self._invocation, reader, args) if args else node_of(self._invocation, job)
        )
        if node is None:
            raise SessionError(
                "gateway::write",
                "A global script belongs to no model that it could write",
                _IN_A_MODEL,
            )
        relation = relation_of(self._invocation, node)
        return _Target(relation, finishing(self._invocation, node, relation), Place.OF_A_MODEL)

    def _final(
        self, job: Job, target: _Target, schema: Any, reader: Any, mode: str, types: dict[str, str]
    ) -> int:
        """One transaction; those on one table come one after the other, since they would conflict."""
        relation = target.relation
        with self._turn(str(relation)):
            job.check_open()
            pending = self._begin(relation, _whole(schema, reader), mode, types, target.place)
            if job.is_sealed:
                pending.rollback()
            job.check_open()
            with ACTIVITY.running():
                is_new = pending.commit(target.finish)
                self.announce(relation, is_new)
        job.written.append((f"{relation.schema}.{relation.identifier}", pending.rows))
        return pending.rows

    def _begin(self, relation: Any, reader: Any, *how: Any) -> PendingWrite:
        if not reader.schema.names:
            raise SessionError(
                "gateway::no_columns", f"A frame without columns cannot become the table {relation}"
            )
        return self._warehouse().begin_write(relation, reader, *how)

    def _turn(self, name: str) -> threading.Lock:
        with self._lock:
            return self._busy.setdefault(name, threading.Lock())


@dataclass(frozen=True)
class _Target:
    """What a script writes."""

    relation: Any
    finish: Finish | None
    place: Place


def _table_of_source(relation: Any, args: list[Any]) -> Any:
    if getattr(relation, "external", None):
        name = ".".join(args)
        raise SessionError(
            "gateway::external",
            f"The source {name} is no table but read from {relation.external}: it cannot be written",
        )
    return relation


def _whole(schema: Any, reader: Any) -> Any:
    """The stream, which fails at its end if that is not the end that the job meant."""
    import pyarrow as pa

    def batches() -> Iterator[Any]:
        ended = False
        for chunk in reader:
            ended = chunk.app_metadata is not None and chunk.app_metadata.to_pybytes() == _END
            if chunk.data is not None:
                yield chunk.data
        if not ended:
            raise SessionError("gateway::broken_off", "The data broke off, so nothing was written")

    return pa.RecordBatchReader.from_batches(schema, batches())
