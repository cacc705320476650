"""One session over a warehouse, and models at its gateway.

Rows take the same way as those of a real model, but without a process for each model.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fal_worker.job.client import GatewayClient
from fal_worker.job.error import FalError
from fal_worker.job.frames import reader
from fal_worker.job.read import read
from fal_worker.job.writes import Writes
from fal_worker.warehouse.registry import facts_of
from live.client import job_result
from live.fixtures import begun, make_project, stub

MODEL = "model.shop.scores"
WAREHOUSES = ("duckdb", "postgres")


class ValueClient:
    """Writes and reads the one model."""

    def __init__(self, session: Any, warehouse: str) -> None:
        self._session, self.warehouse, self._count = session, warehouse, itertools.count()
        self._reader = self._open()

    def write(self, data: Any) -> None:
        """Runs a whole model that writes the data; raises `FalError` if it is refused."""
        request = SimpleNamespace(attached=False, hook=False, role=None, name="scores")
        job = _Model(self._open)
        ended, result = False, None
        try:
            program = SimpleNamespace(place=lambda: "m.py:1")
            has_structs = lambda: facts_of(self.warehouse).has_structs
            Writes(job, program, request, has_structs).model(data, None, None)
            ended = True
        finally:
            result = self._close(job.id, ended) if job.id else None
        if result is not None and result["status"] != "success":
            raise FalError(result["message"])

    def convert(self, data: Any) -> None:
        """Does the conversion that the model's job does before it sends anything."""
        reader("write_to_model", data).read_all()

    def read(self, form: str, columns: list[str]) -> Any:
        return read(self._reader, form, op="ref", args=["scores"], columns=columns)

    def sql(self, sql: str, form: str = "arrow") -> Any:
        return read(self._reader, form, op="sql", sql=sql, raw=True)

    def _open(self, id: str | None = None) -> GatewayClient:
        id = id or f"j{next(self._count)}"
        self._session.ask("job_open", job=id, token="secret-" + id, unique_id=MODEL)
        return GatewayClient(self._session.location, "secret-" + id)

    def _close(self, id: str, ok: bool) -> dict[str, Any]:
        return self._session.ask("job_close", job=id, ok=ok, result=job_result(MODEL, ok))


class _Model:
    """A job's gateway that opens the job only when it is written to: most refusals happen earlier."""

    _count = itertools.count()

    def __init__(self, open_job: Any) -> None:
        self._open, self.id = open_job, ""

    def write(self, batches: Any, **command: Any) -> None:
        self.id = f"m{next(self._count)}"
        self._open(self.id).write(batches, **command)


@contextlib.contextmanager
def open_client(warehouse: str, fresh: bool = False) -> Iterator[ValueClient]:
    """A new project and database, deleted at the end.

    A `fresh` session is a process started as the host starts it.
    """
    with tempfile.TemporaryDirectory(prefix="fal") as folder, contextlib.ExitStack() as stack:
        files = {
            "models/schema.yml": "models: []\n",
            "models/fal/scores.sql": stub("ref('orders')"),
        }
        if warehouse == "postgres":
            from postgres.cluster import running
            from postgres.conftest import Database

            server = os.environ.get("FAL_TEST_POSTGRES") or stack.enter_context(running())
            database = Database(server)
            stack.callback(database.drop)
            files["profiles.yml"] = database.profile()
        root = make_project(Path(folder) / "project", files)
        yield ValueClient(
            stack.enter_context(begun(root, "models/fal/scores.sql", fresh=fresh)), warehouse
        )
