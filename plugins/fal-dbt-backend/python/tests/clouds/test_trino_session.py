"""One cloud from end to end: a session with the real dbt-trino and its client, and a job.

The server speaks Trino's protocol and runs the statements on DuckDB.
"""

import datetime as dt
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from clouds.clouds import Trino
from clouds.libraries import installed
from clouds.trino_server import Http, failed, finished
from live.client import SCORES, Client
from live.fixtures import begun, make_project, stub
from live.job_client import GatewayError

if not installed("dbt.adapters.trino"):
    pytest.skip("dbt-trino is not installed here", allow_module_level=True)

FILES = {
    "models/schema.yml": "models:\n  - name: scores\n    description: All of them\n    config: {persist_docs: {relation: true}}\n",
    "models/sources.yml": "sources:\n  - {name: raw, schema: main, tables: [{name: people}]}\n",
    "models/fal/scores.sql": stub(
        "source('raw', 'people')", config=", properties={'format': \"'PARQUET'\"}"
    ),
}


class Server(Http):
    """Runs each statement at once and answers it in one page."""

    def __init__(self) -> None:
        super().__init__()
        self.database = duckdb.connect()
        self.database.execute("attach ':memory:' as cat; set timezone = 'UTC'")
        self.database.execute(
            "create table cat.main.people as select i as id, 'p' || i as name from range(12345) t(i)"
        )
        self.fail_on = ""

    def tables(self) -> list[str]:
        sql = "select table_name from duckdb_tables() order by 1"
        return [name for (name,) in self.database.cursor().execute(sql).fetchall()]

    def start(self, sql: str) -> dict[str, Any]:
        statement = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", sql, flags=re.DOTALL)).strip()
        self.statements.append(statement)
        if self.fail_on and self.fail_on in statement:
            return failed("the fault")
        try:
            cursor = self.database.cursor().execute(self._translated(statement))
        except duckdb.Error as error:
            return failed(str(error))
        if not statement.startswith("select"):
            return finished(updateType=statement.split(" ")[0].upper())
        columns = [_column(each[0], str(each[1])) for each in cursor.description]
        return finished(columns=columns, data=[list(map(_plain, row)) for row in cursor.fetchall()])

    def _translated(self, sql: str) -> str:
        sql = re.sub(
            r"\( ?select \* from system\.metadata.*?\) mv",
            "(select '' as catalog_name, '' as schema_name, '' as name where false) mv",
            sql,
        )
        sql = re.sub(r" comment '[^']*'| WITH \(format = '[^']*'\)", "", sql)
        sql = re.sub(r'"cat"\.INFORMATION_SCHEMA', "information_schema", sql)
        # DuckDB renames tables only within a schema.
        sql = re.sub(r'rename to "cat"\."main"\.', "rename to ", sql)
        return Trino.translated(None, sql)  # type: ignore[arg-type]


_KINDS = {
    "BIGINT": ("bigint", []), "INTEGER": ("integer", []), "DOUBLE": ("double", []),
    "BOOLEAN": ("boolean", []), "DATE": ("date", []), "TIMESTAMP": ("timestamp", [6]),
}  # fmt: skip


def _column(name: str, kind: str) -> dict[str, Any]:
    name_of, arguments = _KINDS.get(kind, ("varchar", [2147483646]))
    if found := re.match(r"DECIMAL\((\d+),(\d+)\)", kind):
        name_of, arguments = "decimal", [int(found[1]), int(found[2])]
    type = f"{name_of}({', '.join(map(str, arguments))})" if arguments else name_of
    long = [{"kind": "LONG", "value": each} for each in arguments]
    signature = {"rawType": name_of, "arguments": long}
    return {"name": name, "type": type, "typeSignature": signature}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, (Decimal, dt.date, dt.datetime)) else value


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Any]:
    server = Server()
    output = {"type": "trino", "method": "none", "user": "u", "host": "127.0.0.1", "port": server.port, "http_scheme": "http",
              "database": "cat", "schema": "main", "threads": 2}  # fmt: skip
    profile = f"shop: {{target: dev, outputs: {{dev: {json.dumps(output)}}}}}"
    root = make_project(
        tmp_path_factory.mktemp("trino") / "project", {**FILES, "profiles.yml": profile}
    )
    with begun(root, "models/fal/scores.sql", selected=[SCORES]) as session:
        yield server, Client(session)
    server.close()


def test_a_model(served):
    server, client = served
    job = client.open()
    people = job.source("raw", "people")
    assert (people.num_rows, people.schema.types) == (12345, [pa.int64(), pa.string()])
    values = [Decimal("1.50"), None, Decimal("2.25")]
    job.write(people.slice(0, 3).append_column("n", [values]))
    assert "scores" not in server.tables()
    answer = client.close(job)
    assert (answer["status"], answer["message"]) == ("success", "SELECT 3")
    start = 'create table "cat"."main"."scores__fal_new"'
    made = next(each for each in server.statements if each.startswith(start))
    assert "comment 'All of them'" in made
    assert "WITH (format = 'PARQUET')" in made
    assert server.tables() == ["people", "scores"]
    reader = client.open()
    expected = {"id": [0, 1, 2], "name": ["p0", "p1", "p2"], "n": values}
    assert reader.ref("scores").to_pydict() == expected
    client.close(reader, ok=False)


# The last fault also hits the renaming that would give the old table its name back.
FAULTS = [
    "insert into",
    'create table "cat"."main"."scores__fal_new',
    'scores" rename to',
    'scores__fal_new" rename to',
    'rename to "cat"."main"."scores"',
]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_breaks_off_leaves_the_old_table(served, fault):
    server, client = served
    assert client.write(pa.table({"x": [1]}))["status"] == "success"
    job = client.open()
    server.fail_on = fault
    try:
        job.write(pa.table({"x": [2]}))
    except GatewayError as error:
        assert "the fault" in str(error)
        assert client.close(job, ok=False)["status"] == "error"
    else:
        answer = client.close(job)
        assert answer["status"] == "error"
        assert "the fault" in answer["message"]
    server.fail_on = ""
    assert ("scores" in server.tables()) is (fault != FAULTS[-1])
    job = client.open()
    job.write(pa.table({"x": [3]}))
    client.close(job, ok=False)
    assert server.tables() == ["people", "scores"]
    assert server.database.cursor().execute("select * from cat.main.scores").fetchall() == [(1,)]
