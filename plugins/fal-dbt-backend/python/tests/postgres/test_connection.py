"""Connections are those that dbt-postgres would open with the same profile."""

import builtins
import time
from types import SimpleNamespace

import pytest
from fal_worker.errors import SessionError
from fal_worker.warehouse.postgres import connection as postgres_connection
from fal_worker.warehouse.postgres import warehouse as postgres
from psycopg2.extensions import parse_dsn

BASE = {
    "connect_timeout": 10, "keepalives_idle": 0, "application_name": "dbt", "search_path": None, "role": None, "retries": 0,
    "sslmode": None, "sslcert": None, "sslkey": None, "sslrootcert": None,
}  # fmt: skip


@pytest.fixture
def credentials(database):
    return {**BASE, **database.settings, "database": database.name}


def rows(credentials: dict, sql: str) -> list[dict]:
    warehouse = postgres.Postgres(
        SimpleNamespace(config=SimpleNamespace(credentials=SimpleNamespace(**credentials)))
    )
    reading = warehouse.read(sql)
    try:
        return reading.reader.read_all().to_pylist()
    finally:
        reading.close()


def failure(credentials: dict) -> SessionError:
    with pytest.raises(SessionError) as caught:
        rows(credentials, "select 1")
    return caught.value


def test_everything_of_the_profile_reaches_libpq():
    given = {
        **BASE, "host": "db.example", "port": 5433, "user": "ann", "password": "a 'b' \\c", "database": "shop", "keepalives_idle": 30,
        "search_path": "a, b", "sslmode": "verify-full", "sslcert": "c.pem", "sslkey": "k.pem", "sslrootcert": "r.pem",
    }  # fmt: skip
    assert parse_dsn(postgres_connection._dsn(SimpleNamespace(**given))) == {
        "host": "db.example", "port": "5433", "user": "ann", "password": "a 'b' \\c", "dbname": "shop", "connect_timeout": "10",
        "keepalives_idle": "30", "application_name": "dbt", "client_encoding": "UTF8", "options": "-c search_path=a,\\ b",
        "sslmode": "verify-full", "sslcert": "c.pem", "sslkey": "k.pem", "sslrootcert": "r.pem",
    }  # fmt: skip


def test_role_and_search_path(database, credentials):
    role = f"role_of_{database.name}"
    database.query(
        f"create role {role}; create schema hidden; create table hidden.only_here as select 7 as x; grant usage on schema hidden to {role}"
    )
    database.query(f"grant select on hidden.only_here to {role}")
    found = rows(
        {**credentials, "role": role, "search_path": "hidden, public"},
        "select x, current_user::text as me from only_here",
    )
    assert found == [{"x": 7, "me": role}]


def test_what_cannot_be_reached_is_told_without_the_password(credentials):
    secret = {**credentials, "password": "s3cret"}
    for wrong, said in (
        ({"database": "nowhere"}, 'database "nowhere" does not exist'),
        ({"port": 1}, "No such file or directory"),
    ):
        error = failure({**secret, **wrong})
        assert error.code == "gateway::connection"
        assert said in error.message
        assert "s3cret" not in error.message
    assert failure({**secret, "role": "nobody"}).message == 'role "nobody" does not exist'


def test_a_missing_driver_is_told_with_the_way_to_get_it(credentials, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("adbc_driver_postgresql"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    error = failure(credentials)
    assert error.code == "gateway::driver"
    assert error.help == "Install it there: pip install adbc-driver-postgresql"


def test_no_connection_is_left(database, credentials):
    for sql in ("select 1 as x", "select", "select 1/0"):
        try:
            rows(credentials, sql)
        except SessionError:
            assert sql == "select 1/0"
    left = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and application_name = 'dbt'"
    end = time.monotonic() + 60
    # The server notices a moment later.
    while database.query(left) != [(0,)]:
        assert time.monotonic() < end, "connections are left"
