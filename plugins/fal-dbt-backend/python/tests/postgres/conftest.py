"""A server, a database and a session for all tests of this folder, and helpers to query them."""

import os
import uuid
from urllib.parse import unquote, urlsplit

import psycopg2
import pytest
from live.client import SCORES, Client  # noqa: F401
from live.fixtures import ORDERS, begun, make_project, stub
from postgres.cluster import running

OTHER = "model.shop.other"
FILES = {
    "models/fal/scores.sql": stub("ref('orders')", "ref('seen')", "source('raw', 'people')"),
    "models/fal/other.sql": stub(
        "ref('orders')", "ref('scores')", config=", schema='side', alias='renamed'"
    ),
    "models/seen.sql": "{{ config(materialized='view') }} select id from {{ ref('orders') }}",
    "models/by_dbt.sql": "{{ config(materialized='table') }} select 1 as id, 2 as amount",
    "models/fal/by_us.sql": stub("ref('orders')"),
    "models/sources.yml": "sources:\n  - name: raw\n    schema: public\n    tables: [{name: people, identifier: raw_orders}]\n"
    "  - {name: far, database: elsewhere, schema: public, tables: [{name: people}]}\n",
}
CONFIGURED = """
  - name: {table}
    description: Sorted; of $all$.
    config:
      grants: {{select: [{role}]}}
      persist_docs: {{relation: true, columns: true}}
      indexes: [{{columns: [id], unique: true}}, {{columns: [amount, id]}}]
    columns: [{{name: id, description: The key; unique}}, {{name: amount}}]"""
STUBS = ("models/fal/scores.sql", "models/fal/other.sql", "models/fal/by_us.sql")


@pytest.fixture(scope="session")
def server():
    """The address of a running server, or of one that ends with the tests."""
    if given := os.environ.get("FAL_TEST_POSTGRES"):
        yield given
        return
    with running() as address:
        yield address


class Database:
    """A new database, read from outside the session."""

    def __init__(self, server: str) -> None:
        address = urlsplit(server)
        # A URL's `hostname` would lose the case.
        host = unquote(address.netloc.rpartition("@")[2].rpartition(":")[0])
        self.name = f"t{uuid.uuid4().hex[:12]}"
        self.settings = {"host": host, "port": address.port, "user": address.username}
        self.settings["password"] = "unused"
        self._run("postgres", f"create database {self.name}")

    def query(self, sql: str) -> list[tuple]:
        return self._run(self.name, sql)

    def drop(self) -> None:
        """Drops the database, even while a session has connections to it."""
        self._run("postgres", f"drop database if exists {self.name} with (force)")

    def _run(self, database: str, sql: str) -> list[tuple]:
        connection = psycopg2.connect(dbname=database, **self.settings)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def profile(self, **more: object) -> str:
        import json

        output = {"type": "postgres", "dbname": self.name, "schema": "public", "threads": 4}
        output |= {**self.settings, **more}
        return f"shop: {{target: dev, outputs: {{dev: {json.dumps(output)}}}}}"


@pytest.fixture(scope="session")
def database(server):
    return Database(server)


@pytest.fixture(scope="session")
def role(database):
    """Creates the role that the configuration of two models names. Roles belong to the whole
    server.
    """
    return f"of_{database.name}"


@pytest.fixture(scope="session")
def project(tmp_path_factory, database, role):
    configured = "models:" + "".join(
        CONFIGURED.format(table=table, role=role) for table in ("by_dbt", "by_us")
    )
    files = {**FILES, "profiles.yml": database.profile(), "models/configured.yml": configured}
    return make_project(tmp_path_factory.mktemp("postgres") / "project", files)


@pytest.fixture(scope="session")
def client(project, database):
    with begun(project, *STUBS, ran=ORDERS) as session:
        yield Client(session, "postgres", database.query)


@pytest.fixture
def job(client):
    """An open job of `scores`, rolled back after the test."""
    opened = client.open()
    yield opened
    client.close(opened, ok=False)
