"""Writes of jobs: the model's own relation goes to its `ModelWrite`; other tables are written at
once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.project import resolve
from fal_worker.project.interface import table_of
from fal_worker.warehouse.activity import ACTIVITY
from fal_worker.warehouse.dtypes import sql_types
from fal_worker.warehouse.finishing import finishing
from fal_worker.warehouse.interface import Finish, Place
from fal_worker.warehouse.registry import facts_of

from .model_write import announce, begin_write
from .reads import node_of, reader_of

if TYPE_CHECKING:
    from fal_worker.project.interface import Project
    from fal_worker.warehouse.interface import Warehouse

    from .jobs import Job

MODES = ("overwrite", "append")
# Metadata at the end of a stream that is committed at once; a stream without it was cut off.
_END = b"end"
_IN_A_MODEL = "Make it a Python model: a .py or .ipynb file in a folder of models that calls write_to_model(df)."


class TableWrites:
    """Writes the tables that jobs send. Each method is called with dbt's context set."""

    def __init__(self, project: Project, warehouse: Callable[[], Warehouse]) -> None:
        self._project, self._warehouse = project, warehouse
        self._lock = threading.Lock()
        self._busy: dict[str, threading.Lock] = {}

    def write(self, job: Job, command: dict[str, Any], schema: Any, reader: Any) -> int:
        """Runs a write command, if this job may; returns the number of rows."""
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
        adapter = self._project.adapter.type()
        types = sql_types(adapter, facts_of(adapter), command.get("dtype") or {})
        if op == "write_to_model" and not job.attached:
            return job.write(reader.to_reader(), mode, types)
        if self._project.show_limit is not None:
            raise SessionError(
                "gateway::show", f"`show` writes nothing, and {job.unique_id} calls {op}"
            )
        if (mode := mode or "overwrite") not in MODES:
            raise SessionError(
                "gateway::mode",
                f"Tables are written with mode `overwrite` or `append`, not `{mode}`",
            )
        target = self._target(job, op, command.get("args") or [])
        return self._final(job, target, schema, reader, mode, types)

    def _target(self, job: Job, op: str, args: list[Any]) -> _Target:
        reader = reader_of(self._project, job)
        if op == "write_to_source":
            node = resolve.source(self._project, reader, args)
            return _Target(
                _table_of_source(table_of(self._project, node), args), None, Place.SOURCE
            )
        node = resolve.ref(self._project, reader, args) if args else node_of(self._project, job)
        if node is None:
            raise SessionError(
                "gateway::write",
                "A global script belongs to no model that it could write",
                _IN_A_MODEL,
            )
        relation = table_of(self._project, node)
        return _Target(relation, finishing(self._project, node, relation), Place.OF_A_MODEL)

    def _final(
        self, job: Job, target: _Target, schema: Any, reader: Any, mode: str, types: dict[str, str]
    ) -> int:
        """Writes in one transaction. Writes to the same table run one at a time, since they would
        conflict.
        """
        relation = target.relation
        with self._turn(str(relation)):
            job.check_open()
            pending = begin_write(
                self._warehouse(), relation, _whole(schema, reader), mode, types, target.place
            )
            if job.is_sealed:
                pending.rollback()
            job.check_open()
            with ACTIVITY.running():
                is_new = pending.commit(target.finish)
                announce(self._project, relation, is_new)
        job.written.append((f"{relation.schema}.{relation.identifier}", pending.rows))
        return pending.rows

    def _turn(self, name: str) -> threading.Lock:
        with self._lock:
            return self._busy.setdefault(name, threading.Lock())


@dataclass(frozen=True)
class _Target:
    """The table that a script writes."""

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
    """The stream, which raises an error at its end unless the job marked it as complete."""
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
