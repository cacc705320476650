"""Opens ADBC connections as dbt-postgres opens its own, and puts their errors into plain words."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from fal_worker.errors import SessionError

_MISSING = (
    "Python models on PostgreSQL need the ADBC driver, which dbt's Python environment does not have"
)
_INSTALL = "pip install adbc-driver-postgresql"


class Connector:
    """Opens connections.

    The driver takes long to learn the server's types, so all connections share what the first one
    learned. Of a type that was made later it knows only the number."""

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials
        self._lock = threading.Lock()
        self._first: Any = None

    def connect(self, on_close: Callable[[Connection], None]) -> Connection:
        """Opens a connection in a transaction. Retries as often as dbt's profile says."""
        connection = Connection(self._handle(), on_close)
        try:
            if self._credentials.role:
                connection.run(f"set role {self._credentials.role}")
            connection.run("begin")
        except BaseException:
            connection.close()
            raise
        return connection

    def _handle(self) -> Any:
        dbapi = driver()
        attempt = 0
        while True:
            try:
                with self._lock:
                    return self._opened(dbapi)
            except dbapi.OperationalError as error:
                if attempt >= self._credentials.retries:
                    raise _connection_failure(error, self._credentials) from None
                # As dbt-postgres waits.
                time.sleep(attempt * attempt)
                attempt += 1

    def _opened(self, dbapi: Any) -> Any:
        if self._first is None:
            first = dbapi.connect(_dsn(self._credentials), autocommit=True)
            # What it knows stays without its connection.
            first.adbc_connection.close()
            self._first = first
        handle = self._first.adbc_clone()
        # In its own transactions the driver allows nothing after an error, not even going back to a
        # savepoint.
        handle.adbc_connection.set_autocommit(True)
        return handle


def driver() -> Any:
    """The ADBC driver's module."""
    try:
        from adbc_driver_postgresql import dbapi
    except ModuleNotFoundError as error:
        raise SessionError(
            "gateway::driver", f"{_MISSING} ({error})", f"Install it there: {_INSTALL}"
        ) from None
    return dbapi


class Connection:
    """One transaction after another, for one thread; `cancel` and `close` may come from others."""

    def __init__(self, handle: Any, on_close: Callable[[Connection], None]) -> None:
        self._handle, self._on_close = handle, on_close
        self._lock = threading.Lock()
        self._closed = False
        # Whether the server still works on a result that may not be wanted any more.
        self.streaming = False

    @contextlib.contextmanager
    def cursor(self) -> Iterator[Any]:
        with failures(), contextlib.closing(self._handle.cursor()) as cursor:
            yield cursor

    def open_cursor(self) -> Any:
        """A cursor that the caller closes."""
        return self._handle.cursor()

    def run(self, sql: str) -> None:
        """Runs any number of statements and drops what they return."""
        with self.cursor() as cursor:
            cursor.adbc_statement.set_sql_query(sql)
            cursor.adbc_statement.execute_update()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def commit(self) -> None:
        """Ends the transaction, and begins the next."""
        # After an error `commit` alone would roll back and say nothing.
        self.run("select 1; commit and chain")

    def rollback(self) -> None:
        self.run("rollback and chain")

    def cancel(self) -> None:
        """Interrupts what runs."""
        with self._lock, contextlib.suppress(Exception):  # it may end at this moment
            if not self._closed:
                self._handle.adbc_cancel()

    def close(self) -> None:
        """Rolls back what is open, and closes."""
        if self.streaming:
            self.cancel()
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._on_close(self)
        with contextlib.suppress(Exception):  # the server may be gone, or take the end for an error
            self._handle.close()


class DatabaseError(SessionError):
    """An error of the database, in its own words."""

    def __init__(self, error: Exception) -> None:
        self.sqlstate = getattr(error, "sqlstate", None)
        super().__init__("gateway::database", _message(str(error)))


@contextlib.contextmanager
def failures() -> Iterator[None]:
    """Turns the driver's errors into the user's."""
    try:
        yield
    except Exception as error:
        if not is_driver_error(error):
            raise
        raise DatabaseError(error) from None


def is_driver_error(error: BaseException) -> bool:
    # A stream that breaks comes as an error of Arrow, which is an OSError or a ValueError, in the
    # driver's words.
    return type(error).__module__.startswith("adbc_driver_manager") or "[libpq]" in str(error)


def _message(text: str) -> str:
    """PostgreSQL's message without what the driver adds."""
    text = re.split(r"\n+Query was: ", text)[0]
    text = re.sub(r"\s*\.? SQLSTATE: \w{5}\s*$", "", text)
    # `ERROR:  ...`; the word is in the server's language, the two spaces are in all.
    said = re.search(r"\w+:  (.*)", text, re.DOTALL)
    return (said[1] if said else text.replace("[libpq] ", "")).strip()


def _connection_failure(error: Exception, credentials: Any) -> SessionError:
    said = re.split(r"Failed to connect: |Failed to connect to database: ", str(error))[-1]
    return SessionError(
        "gateway::connection",
        f"No connection to PostgreSQL at {credentials.host}: {_message(said)}",
    )


def _dsn(credentials: Any) -> str:
    """A libpq connection string for the connection that dbt-postgres would open."""
    given: dict[str, Any] = {
        "host": credentials.host,
        "port": credentials.port,
        "user": credentials.user,
        "password": credentials.password,
        "dbname": credentials.database,
        "connect_timeout": credentials.connect_timeout,
        "keepalives_idle": credentials.keepalives_idle or None,
        "application_name": getattr(credentials, "application_name", None) or None,
        # What ADBC takes text for.
        "client_encoding": "UTF8",
    }
    if credentials.search_path:
        given["options"] = "-c search_path=" + credentials.search_path.replace(" ", "\\ ")
    if credentials.sslmode:
        given["sslmode"] = credentials.sslmode
    for name in ("sslcert", "sslkey", "sslrootcert"):
        given[name] = getattr(credentials, name)
    return " ".join(
        f"{name}={_conninfo(value)}" for name, value in given.items() if value is not None
    )


def _conninfo(value: Any) -> str:
    text = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"


class Handle:
    """What dbt uses of psycopg2's connection; lent to it as `Borrowed`."""

    closed = 0

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def cursor(self) -> _Cursor:
        return _Cursor(self._connection)

    def run(self, sql: str) -> None:
        self._connection.run(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.rows(sql)

    def run_outside(self, sql: str) -> None:
        """Runs statements that may allow no transaction around them."""
        self._connection.run("commit")
        self._connection.run(sql)
        self._connection.run("begin")

    def commit(self) -> None:
        self._connection.commit()

    def close(self) -> None:
        self._connection.close()

    def get_backend_pid(self) -> int:
        return int(self._connection.rows("select pg_backend_pid()")[0][0])


class _Cursor:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.description: list[tuple[Any, ...]] | None = None
        self.statusmessage, self.rowcount = "OK", -1
        self._rows: list[tuple[Any, ...]] = []

    def execute(self, sql: str, bindings: Any = None) -> None:
        import sqlparse

        if bindings:
            raise NotImplementedError("dbt's macros for tables bind no values")
        if len(sqlparse.split(sql)) > 1:
            self._connection.run(sql)
            return
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            self._rows = list(cursor.fetchall())
            self.description = cursor.description or None
            self.rowcount = len(self._rows)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows[0] if self._rows else None

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        return self._rows[:size]

    def close(self) -> None:
        pass
