"""dbt's real adapters and their macros, over drivers that only log the statements they receive.

The tests of an adapter are skipped where it is not installed.
"""

from __future__ import annotations

import json
import os
import re
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from clouds.libraries import installed
from fal_worker.warehouse.finishing import Finishing
from fal_worker.warehouse.interface import Place
from fal_worker.warehouse.registry import for_adapter

PROFILES = {
    "snowflake": {"account": "a", "user": "u", "password": "p", "database": "DB", "warehouse": "w"},
    "bigquery": {"method": "oauth", "project": "proj"},
    "databricks": {
        "host": "h.cloud.databricks.com",
        "http_path": "/sql/1.0/warehouses/x",
        "token": "t",
        "catalog": "cat",
    },
    "redshift": {"host": "h", "user": "u", "password": "p", "port": 5439, "dbname": "db"},
    "trino": {"method": "none", "user": "u", "host": "h", "port": 8080, "database": "cat"},
}
CONFIGS = {
    "snowflake": "cluster_by=['a'], grants={'select': ['reader']}",
    "bigquery": "partition_by={'field': 'd', 'data_type': 'date'}, cluster_by=['a'], labels={'team': 'x'}",
    "databricks": "liquid_clustered_by='a', tblproperties={'k': 'v'}",
    "redshift": "dist='a', sort=['d']",
    "trino": "properties={'format': \"'PARQUET'\"}",
}
TABLE = pa.table({"a": [1, None], "d": pa.array([0, 1], pa.date32())})


class Driver:
    """Imitates both the connection and the cursor of any driver."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.description: Any = None
        self.rowcount, self.query_id, self.query = 0, "", ""
        self.sfqid = self.sqlstate = self.update_type = None
        self.session_id, self.open, self.autocommit = "s", True, True
        # The names by which dbt's wrappers refer to the connection and the cursor that they wrap.
        self._conn = self.handle = self._cursor = self

    def cursor(self) -> Driver:
        return Driver(self.log)

    def execute(self, sql: str, params: Any = None, **_: Any) -> Driver:
        statement = re.sub(
            r"fal_[0-9a-f]{32}",
            "fal_ID",
            re.sub(r"\s+", " ", re.sub(r"/\* \{.*?\} \*/", "", sql)).strip(),
        )
        self.log.append(
            re.sub(r"file:///\S*/", "file://FOLDER/", statement)
            + (f" <- {params}" if params else "")
        )
        if statement.startswith("copy into"):
            self.description = [("rows_loaded",)]
            self._rows = [(2,)]
        return self

    _rows: list[Any] = []

    def fetchall(self) -> list[Any]:
        return self._rows

    def fetchone(self) -> Any:
        return None

    def fetchmany(self, _: int = 0) -> list[Any]:
        return []

    def commit(self) -> None:
        self.log.append("commit()")

    def rollback(self) -> None:
        self.log.append("rollback()")

    def cancel(self) -> None:
        self.log.append("cancel()")

    def close(self) -> None:
        pass

    def get_response(self) -> Any:
        from dbt.adapters.contracts.connection import AdapterResponse

        return AdapterResponse("OK", query_id="q")

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: Any) -> None:
        pass


class Client(Driver):
    """Imitates BigQuery's client."""

    def __init__(self, log: list[str]) -> None:
        super().__init__(log)
        del self.query

    def query(self, query: str, **_: Any) -> Any:  # type: ignore[override]
        self.execute(query)
        sizes = dict.fromkeys(("total_bytes_processed", "total_bytes_billed", "slot_millis"), 0)
        job = SimpleNamespace(location=None, job_id="j", project="p", **sizes)
        job.statement_type, job.result = "SCRIPT", lambda **_: SimpleNamespace(schema=[])
        return job

    def load_table_from_file(
        self, file_obj: Any, destination: Any, job_id: str, job_config: Any
    ) -> Any:
        fields = [(field.name, field.field_type) for field in job_config.schema]
        self.log.append(
            f"load {fields} into {destination} as {job_config.source_format}, {job_config.write_disposition}"
        )
        return SimpleNamespace(result=lambda: None)

    def cancel_job(self, job_id: str) -> None:
        self.log.append("cancel_job()")

    def delete_table(self, table: Any, not_found_ok: bool) -> None:
        self.log.append(f"delete {table}")


@pytest.fixture(scope="module", params=sorted(PROFILES))
def written(request, tmp_path_factory):
    """Returns the driver's logs of a model's first write, of its second, and of a cancelled query."""
    kind = request.param
    if not installed(f"dbt.adapters.{kind}"):
        pytest.skip(f"dbt-{kind} is not installed here")
    from dbt.context.providers import generate_runtime_model_context

    adapter, manifest = _parsed(kind, tmp_path_factory.mktemp(kind))
    log: list[str] = []
    there: list[Any] = []
    _offline(adapter, log, there)
    node = manifest.nodes["model.shop.scores"]
    relation = adapter.Relation.create_from(adapter.config, node)
    project = SimpleNamespace(
        adapter=adapter,
        macros=lambda node: generate_runtime_model_context(node, adapter.config, manifest),
    )
    warehouse = for_adapter(adapter)
    logs = []
    for _ in range(2):
        log.clear()
        pending = warehouse.begin_write(relation, TABLE.to_reader(), "overwrite", {}, Place.MODEL)
        assert pending.commit(Finishing(project, node, relation.incorporate(type="table"))) is True
        logs.append(list(log))
        there[:] = [relation.incorporate(type="table")]
    log.clear()
    with warehouse._connections.lend() as connection:
        connection.run("select 1")
        warehouse.cancel()
    return kind, logs, log[1:]


def _parsed(kind: str, root: Any) -> Any:
    from dbt.adapters.factory import get_adapter_by_type
    from dbt.cli.main import dbtRunner

    (root / "models").mkdir()
    (root / "dbt_project.yml").write_text("name: shop\nprofile: shop\nversion: '1.0'\n")
    output = json.dumps({"type": kind, "threads": 1, "schema": "main", **PROFILES[kind]})
    (root / "profiles.yml").write_text(f"shop: {{target: dev, outputs: {{dev: {output}}}}}")
    (root / "models/scores.sql").write_text(
        f"{{{{ config(materialized='ephemeral', {CONFIGS[kind]}) }}}} select 1 as a"
    )
    parsed = dbtRunner().invoke(
        ["parse", "--project-dir", str(root), "--profiles-dir", str(root), "--quiet"]
    )
    assert parsed.success, parsed.exception
    return get_adapter_by_type(kind), parsed.result


def _offline(adapter: Any, log: list[str], there: list[Any]) -> None:
    """Makes the adapter open test drivers, and answers from `there` which relations exist."""

    def open_connection(connection: Any) -> Any:
        connection.handle = (Client if adapter.type() == "bigquery" else Driver)(log)
        connection.state = "open"
        connection.backend_pid = 7
        return connection

    type(adapter.connections).open = staticmethod(open_connection)
    adapter.list_schemas = lambda database: ["main"]
    adapter.list_relations_without_caching = lambda schema: list(there)
    adapter.is_replaceable = lambda *_: True
    adapter.cache_dropped = lambda _: None


# The versions whose macros made the expected files. Other versions may write other statements.
VERSIONS = {**dict.fromkeys(PROFILES, "1.12."), "redshift": "1.11.", "trino": "1.11."}


def test_statements(written):
    """Compares the statements with the expected file, or rewrites it if FAL_TEST_UPDATE=1 is set."""
    kind, (first, second), _ = written
    if not version(f"dbt-{kind}").startswith(VERSIONS[kind]):
        pytest.skip(
            f"dbt-{kind} {version(f'dbt-{kind}')} wrote the rows, but its statements are not recorded"
        )
    lines = ["-- The first write of a table.", *first, "-- The second one.", *second]
    text = "\n".join(lines) + "\n"
    file = Path(__file__).parent / "statements" / f"{kind}.txt"
    if os.environ.get("FAL_TEST_UPDATE"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert text == file.read_text()


CANCEL = {
    "snowflake": "select system$cancel_all_queries(s)",
    "bigquery": "cancel_job()",
    "databricks": "cancel()",
    "redshift": "select pg_terminate_backend(7)",
    "trino": "cancel()",
}


def test_a_query_is_cancelled(written):
    kind, _, cancelling = written
    assert CANCEL[kind] in cancelling
