"""One cloud from end to end: a session with the real dbt-trino and its client, and a job.

The server speaks Trino's protocol and runs the statements on DuckDB.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from clouds.clouds import Trino
from clouds.libraries import installed
from live.fixtures import make_project, sessions, stub
from live.job_client import GatewayError, JobClient

if not installed("dbt.adapters.trino"):
    pytest.skip("dbt-trino is not installed here", allow_module_level=True)

SCORES = "model.shop.scores"
FILES = {
    "models/schema.yml": "models:\n  - name: scores\n    description: All of them\n    config: {persist_docs: {relation: true}}\n",
    "models/sources.yml": "sources:\n  - {name: raw, schema: main, tables: [{name: people}]}\n",
    "models/fal/scores.sql": stub(
        "source('raw', 'people')", config=", properties={'format': \"'PARQUET'\"}"
    ),
}


class Server:
    """Runs each statement at once and answers it in one page."""

    def __init__(self) -> None:
        self.database = duckdb.connect()
        self.database.execute("attach ':memory:' as cat; set timezone = 'UTC'")
        self.database.execute(
            "create table cat.main.people as select i as id, 'p' || i as name from range(12345) t(i)"
        )
        self.statements: list[str] = []
        self.fail_on = ""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def tables(self) -> list[str]:
        return [
            name
            for (name,) in self.database.cursor()
            .execute("select table_name from duckdb_tables() order by 1")
            .fetchall()
        ]

    def answer(self, sql: str) -> dict[str, Any]:
        statement = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", sql, flags=re.DOTALL)).strip()
        self.statements.append(statement)
        base = {"id": "q", "infoUri": "http://x", "stats": {"state": "FINISHED"}}
        try:
            if self.fail_on and self.fail_on in statement:
                raise duckdb.Error("the fault")
            cursor = self.database.cursor().execute(self._translated(statement))
        except duckdb.Error as error:
            return {
                **base,
                "error": {
                    "message": str(error),
                    "errorName": "X",
                    "errorType": "USER_ERROR",
                    "errorCode": 1,
                },
            }
        if not statement.startswith("select"):
            return {**base, "updateType": statement.split(" ")[0].upper()}
        columns = [_column(each[0], str(each[1])) for each in cursor.description]
        return {
            **base,
            "columns": columns,
            "data": [list(map(_plain, row)) for row in cursor.fetchall()],
        }

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

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = json.dumps(
                    server.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())
                ).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def _column(name: str, kind: str) -> dict[str, Any]:
    name_of, arguments = {
        "BIGINT": ("bigint", []), "INTEGER": ("integer", []), "DOUBLE": ("double", []), "BOOLEAN": ("boolean", []), "DATE": ("date", []),
        "TIMESTAMP": ("timestamp", [6]),
    }.get(kind, ("varchar", [2147483646]))  # fmt: skip
    if found := re.match(r"DECIMAL\((\d+),(\d+)\)", kind):
        name_of, arguments = "decimal", [int(found[1]), int(found[2])]
    type = f"{name_of}({', '.join(map(str, arguments))})" if arguments else name_of
    return {
        "name": name,
        "type": type,
        "typeSignature": {
            "rawType": name_of,
            "arguments": [{"kind": "LONG", "value": each} for each in arguments],
        },
    }


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
    with sessions(root) as start:
        session = start()
        session.load("models/fal/scores.sql")
        session.ask("begin", selected=[SCORES])
        yield server, session
    server.close()


class Job:
    """A job that writes the given rows, or aborts its write."""

    def __init__(self, session: Any, id: str) -> None:
        self._session, self._id = session, id
        session.ask("job_open", job=id, token=id, unique_id=SCORES)
        self.client = JobClient(session.location, id)

    def close(self, ok: bool = True) -> dict[str, Any]:
        result = {
            "unique_id": SCORES,
            "status": "success" if ok else "error",
            "execution_time": 0.0,
        }
        return self._session.ask("job_close", job=self._id, ok=ok, result=result)


def test_a_model(served):
    server, session = served
    job = Job(session, "first")
    people = job.client.source("raw", "people")
    assert (people.num_rows, people.schema.types) == (12345, [pa.int64(), pa.string()])
    job.client.write(
        people.slice(0, 3).append_column("n", [[Decimal("1.50"), None, Decimal("2.25")]])
    )
    assert "scores" not in server.tables()
    answer = job.close()
    assert (answer["status"], answer["message"]) == ("success", "SELECT 3")
    made = next(
        each
        for each in server.statements
        if each.startswith('create table "cat"."main"."scores__fal_new"')
    )
    assert "comment 'All of them'" in made
    assert "WITH (format = 'PARQUET')" in made
    assert server.tables() == ["people", "scores"]
    reader = Job(session, "reader")
    assert reader.client.ref("scores").to_pydict() == {
        "id": [0, 1, 2],
        "name": ["p0", "p1", "p2"],
        "n": [Decimal("1.50"), None, Decimal("2.25")],
    }
    reader.close(ok=False)


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
    server, session = served
    job = Job(session, f"broken-{abs(hash(fault))}")
    job.client.write(pa.table({"x": [1]}))
    assert job.close()["status"] == "success"
    job = Job(session, f"again-{abs(hash(fault))}")
    server.fail_on = fault
    try:
        job.client.write(pa.table({"x": [2]}))
    except GatewayError as error:
        assert "the fault" in str(error)
        assert job.close(ok=False)["status"] == "error"
    else:
        answer = job.close()
        assert answer["status"] == "error"
        assert "the fault" in answer["message"]
    server.fail_on = ""
    assert ("scores" in server.tables()) is (fault != FAULTS[-1])
    job = Job(session, f"next-{abs(hash(fault))}")
    job.client.write(pa.table({"x": [3]}))
    job.close(ok=False)
    assert server.tables() == ["people", "scores"]
    assert server.database.cursor().execute("select * from cat.main.scores").fetchall() == [(1,)]
