"""One session on each of two warehouses, which lends its models to the test process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

pytest.importorskip("dbt.adapters.duckdb")
pytest.importorskip("dbt.adapters.postgres")
pytest.importorskip("adbc_driver_postgresql")

from live.client import Client
from live.fixtures import ORDERS, begun, make_project, stub
from live.job_client import JobClient
from live.process import SessionProcess
from postgres.conftest import Database, server  # noqa: F401

STUBS = ("models/fal/scores.sql", "models/fal/grown.sql")
FILES = {
    "models/fal/grown.sql": stub("ref('orders')", "ref('scores')"),
    "models/grown.yml": "models:\n  - {name: grown, config: {materialized: incremental, unique_key: id}}\n",
    "models/sources.yml": "sources:\n  - {name: out, schema: side, tables: [{name: log}]}\n",
    "models/native.py": "def model(dbt, session):\n    dbt.config(materialized='table')\n    return dbt.ref('orders')\n",
}


class Runner(JobClient):
    """A lease as its runner sees it, through the lease gateway."""

    def __init__(self, location: str, token: str, id: str = "", unique_id: str = "") -> None:
        super().__init__(location, token, id, unique_id)
        self.location = location

    def start(self) -> Runner:
        """Starts a new attempt."""
        return Runner(self.location, self.action("job_start")["token"])

    def open_write(self, table: pa.Table, **fields):
        """Starts a write that has sent a batch and is still open."""
        writer, _ = self.begin_write(table.schema, **fields)
        writer.write_table(table)
        return writer


class Lent(Runner):
    """A lease with the supervisor's side as well."""

    def __init__(self, client, id: str, token: str, unique_id: str, lease: dict) -> None:
        super().__init__(client.location, token, id, unique_id)
        self.client, self.lease = client, lease

    def settle(self, ok: bool | None = None) -> tuple[dict, dict]:
        """Settles the lease; returns the session's record of it, and the model's result.

        Commits if `ok` says so. Without `ok`, commits if the attempt answered that it succeeded.
        """
        settled = self.client.session.ask("job_settle", job=self.id)
        ok = bool((settled["answer"] or {}).get("ok")) if ok is None else ok
        return settled, self.client.close(self, ok, message=None if ok else "no")


class LeaseClient(Client):
    """Lends models."""

    def __init__(self, session: SessionProcess, warehouse: str) -> None:
        super().__init__(session, warehouse)
        listen = {"certificate": None, "key": None, "env_vars": ["FAL_TEST_PUBLIC"]}
        port = session.ask("gateway_listen", host="127.0.0.1", port=0, **listen)["port"]
        self.location = f"grpc+tcp://127.0.0.1:{port}"

    def lend(self, name: str = "scores") -> Lent:
        unique_id = f"model.shop.{name}"
        id, token = f"l{next(self._count)}", f"secret-{name}-{next(self._count)}"
        self.session.ask("job_open", job=id, token=token, unique_id=unique_id)
        return Lent(self, id, token, unique_id, self.session.ask("job_lend", job=id))

    def table(self, name: str) -> list[tuple]:
        """The rows of a table, read as a job reads them; none if there is no table."""
        return self.query(f"select * from {name} order by 1")


@contextlib.contextmanager
def open_client(request, root: Path, files: dict[str, str]) -> Iterator[LeaseClient]:
    """A session over a project, on the warehouse that the fixture's parameter names."""
    if request.param == "postgres":
        files = {**files, "profiles.yml": Database(request.getfixturevalue("server")).profile()}
    with begun(make_project(root, files), *STUBS, ran=ORDERS) as session:
        yield LeaseClient(session, request.param)


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def client(request, tmp_path_factory):
    with open_client(request, tmp_path_factory.mktemp("leases") / "project", FILES) as opened:
        yield opened
