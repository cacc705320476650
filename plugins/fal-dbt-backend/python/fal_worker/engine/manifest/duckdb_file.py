"""The DuckDB database of a profile, open only while a job needs it: DuckDB gives its file to one process at a time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fal_worker.errors import SessionError
from fal_worker.texts import shortened

from .jinja import need

# Seconds that a call of dbt waits for the reads and writes of other jobs.
_PATIENCE = 60.0


class DuckDBFile:
    """Stands for the environment of dbt-duckdb."""

    def __init__(self, credentials: Any) -> None:
        self._path, self._output = credentials.path, credentials.output
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._connection: Any = None
        self._handles = 0
        _check(self._path, self._output)

    def handle(self) -> Handle:
        """A cursor, as a node of dbt would get one."""
        with self._lock:
            if self._connection is None:
                self._connection = self._open()
            handle = Handle(self._connection.cursor(), self._closed)
            self._handles += 1
            return handle

    def close(self) -> None:
        """Gives the file back."""
        with self._lock:
            self._close()

    @contextlib.contextmanager
    def given_up(self) -> Iterator[None]:
        """Closes the file once no job reads or writes. While active, jobs wait for the file."""
        with self._lock:
            if not self._changed.wait_for(lambda: self._handles == 0, _PATIENCE):
                raise SessionError(
                    "engine::busy",
                    f"dbt cannot compile SQL with macros while a Python model reads or writes {self._path}",
                    "Read to the end, or call execute_sql before write_to_model; with other models beside this one, use --threads 1.",
                )
            self._close()
            yield

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _closed(self) -> None:
        with self._lock:
            self._handles -= 1
            self._changed.notify_all()

    def _open(self) -> Any:
        duckdb = need("duckdb", "duckdb", "A Python model on DuckDB")
        options = {**_new_file(duckdb, self._path), **(self._output.get("config_options") or {})}
        Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = duckdb.connect(self._path, config=options)
            for statement in _opening(self._output):
                connection.execute(statement)
        except duckdb.Error as error:
            raise SessionError(
                "gateway::connection", f"DuckDB cannot open {self._path}: {error}"
            ) from None
        return connection


class Handle:
    """What `gateway.duckdb` unwraps."""

    def __init__(self, cursor: Any, on_close: Callable[[], None]) -> None:
        self._cursor, self._on_close = cursor, on_close
        self._is_open = True

    def run(self, sql: str) -> None:
        """Runs any number of statements."""
        with _failures(sql):
            self._cursor.execute(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with _failures(sql):
            return list(self._cursor.execute(sql).fetchall())

    # A cursor without a transaction commits each statement.
    run_outside = run

    def commit(self) -> None:
        """Every statement was committed."""

    def close(self) -> None:
        self._cursor.close()
        if self._is_open:
            self._is_open = False
            self._on_close()


@contextlib.contextmanager
def _failures(sql: str) -> Iterator[None]:
    duckdb = need("duckdb", "duckdb", "A Python model on DuckDB")
    try:
        yield
    except duckdb.Error as error:
        said = " ".join(sql.split())
        raise SessionError(
            "gateway::database", f"{str(error).strip()} [in: {shortened(said)}]"
        ) from None


def _new_file(duckdb: Any, path: str) -> dict[str, Any]:
    """Options for a file that is not there yet.

    The DuckDB that dbt 2 loads is older than 2.0, and does not open the files that DuckDB 2.0 makes
    unless they have the form of before. Files that are there keep their form.
    """
    is_newer = int(duckdb.__version__.split(".")[0]) >= 2
    is_new = not Path(path).exists()
    return {"storage_compatibility_version": "v1.0.0"} if is_newer and is_new else {}


def _check(path: str, output: dict[str, Any]) -> None:
    if path.startswith(":memory:"):
        raise SessionError(
            "engine::unsupported",
            "A DuckDB in memory is gone when the `dbt` program ends: Python models cannot read it",
            "Give the profile a `path`.",
        )
    for name in ("secrets", "filesystems", "plugins", "remote", "is_ducklake"):
        if output.get(name):
            raise SessionError(
                "engine::unsupported",
                f"The profile's `{name}` need dbt-duckdb, which is not there where dbt runs as a program",
            )


def _opening(output: dict[str, Any]) -> list[str]:
    """What dbt-duckdb runs on a new connection, of what a profile may say."""
    statements = []
    for extension in output.get("extensions") or []:
        name, source = (
            (extension.get("name"), extension.get("repo"))
            if isinstance(extension, dict)
            else (extension, None)
        )
        statements += [f"install {name}" + (f" from {source}" if source else ""), f"load {name}"]
    statements += [
        f"set {name} = {_literal(value)}" for name, value in (output.get("settings") or {}).items()
    ]
    return statements + [_attach(each) for each in output.get("attach") or []]


def _attach(each: dict[str, Any]) -> str:
    options = [f"TYPE {each['type']}"] if each.get("type") else []
    options += ["READ_ONLY"] if each.get("read_only") else []
    alias = f" as {each['alias']}" if each.get("alias") else ""
    return f"attach if not exists {_literal(each['path'])}{alias}" + (
        f" ({', '.join(options)})" if options else ""
    )


def _literal(value: Any) -> str:
    return (
        str(value).lower()
        if isinstance(value, (bool, int, float))
        else "'" + str(value).replace("'", "''") + "'"
    )
