"""The supervisor's side of the jobs of one session that has begun."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

import pyarrow as pa

from .job_client import JobClient
from .process import SessionProcess

SCORES = "model.shop.scores"


def until(condition: Callable[[], object], patience: float = 60) -> None:
    """Waits until a condition holds."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def job_result(unique_id: str, ok: bool = True, **more: object) -> dict[str, Any]:
    """The result of a job as the supervisor reports it."""
    status = "success" if ok else "error"
    return {"unique_id": unique_id, "status": status, "execution_time": 0.0, **more}


class Client:
    """Opens and closes jobs, and queries the warehouse.

    Without `query`, which reads from outside the session, a job reads.
    """

    def __init__(
        self,
        session: SessionProcess,
        warehouse: str = "duckdb",
        query: Callable[[str], list[tuple[Any, ...]]] | None = None,
    ) -> None:
        self.session, self.warehouse = session, warehouse
        self._outside, self._count = query, itertools.count()

    def open(self, unique_id: str = SCORES, **more: object) -> JobClient:
        id = f"j{next(self._count)}"
        self.session.ask("job_open", job=id, token="secret-" + id, unique_id=unique_id, **more)
        return JobClient(self.session.location, "secret-" + id, id, unique_id)

    def close(self, job: JobClient, ok: bool = True, **more: object) -> dict[str, Any]:
        """Closes a job; returns the recorded result."""
        closed = job_result(job.unique_id, ok, **more)
        return self.session.ask("job_close", job=job.id, ok=ok, result=closed)

    def write(self, table: pa.Table, unique_id: str = SCORES, **fields: Any) -> dict[str, Any]:
        """Runs a whole job that writes the table; returns its recorded result."""
        job = self.open(unique_id)
        try:
            job.write(table, **fields)
        except BaseException:
            self.close(job, ok=False)
            raise
        return self.close(job)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        if self._outside is not None:
            return self._outside(sql)
        return [tuple(row.values()) for row in self.looker.sql(sql, raw=True).to_pylist()]

    @cached_property
    def looker(self) -> JobClient:
        """An open job of a script that belongs to no model, for queries."""
        return self.open("hook", role="global", model=None)
