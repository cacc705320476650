"""A test warehouse: an in-memory DuckDB behind dbt's adapter that understands a cloud's statements.

Every call that would reach a server is a step. The world records it, may make it fail, and then
looks at the written table from another connection.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
from dbt.adapters.base import BaseRelation, Column
from dbt_common.exceptions import DbtDatabaseError

SCHEMA = "main"


def relation(name: str = "scores", type: str | None = "table") -> BaseRelation:
    return BaseRelation.create(database="memory", schema=SCHEMA, identifier=name, type=type)


class World:
    """The server side: the database, the uploaded files, and the recorded steps."""

    def __init__(self) -> None:
        self.database = duckdb.connect()
        self.database.execute("set timezone = 'UTC'")
        self.steps: list[str] = []
        self.seen: list[Any] = []
        self.fail_at: int | None = None
        self.on_step: Callable[[str], None] = lambda _: None
        # Uploaded files, by their path.
        self.files: dict[str, bytes] = {}

    def step(self, statement: str) -> None:
        """Records a step before the server runs it, and raises the planned fault."""
        self.on_step(statement)
        self.steps.append(re.sub(r"fal_[0-9a-f]{32}", "fal_ID", statement))
        if self.fail_at == len(self.steps):
            raise DbtDatabaseError("the fault")

    def look(self) -> None:
        """Records the rows that other connections see after a step."""
        self.seen.append(self.rows())

    def rows(self, name: str = "scores") -> Any:
        """Returns the rows of a table, or `None` if there is no table."""
        with self.database.cursor() as outside:
            try:
                return outside.execute(f'select * from "{name}"').fetchall()
            except duckdb.CatalogException:
                return None

    def upload(self, path: str, place: str) -> None:
        with open(path, "rb") as file:
            self.files[place] = file.read()
        self.look()

    def files_below(self, folder: str) -> list[bytes]:
        return [content for place, content in self.files.items() if place.startswith(folder)]

    def arrow(self, name: str = "scores") -> pa.Table:
        return self.database.cursor().execute(f'select * from "{name}"').to_arrow_table()

    def tables(self) -> list[str]:
        sql = "select table_name from information_schema.tables order by 1"
        return [name for (name,) in self.database.cursor().execute(sql).fetchall()]


class Manager:
    """Imitates dbt's connection manager, with one connection for each thread."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self.lock = threading.RLock()
        self.thread_connections: dict[Any, Any] = {}
        self.cancelled: list[Any] = []

    @contextlib.contextmanager
    def named(self, name: str) -> Iterator[None]:
        key = threading.get_ident()
        if key in self.thread_connections:
            # Like dbt, reuse the open connection under another name.
            yield
            return
        cursor = self._adapter.world.database.cursor()
        self.thread_connections[key] = connection = SimpleNamespace(
            name=name, state="open", transaction_open=False, cursor=cursor
        )
        connection.handle = self.handle(connection)
        try:
            yield
        finally:
            del self.thread_connections[key]
            cursor.close()

    def handle(self, connection: Any) -> Any:
        return self._adapter.client()

    def get_thread_connection(self) -> Any:
        return self.thread_connections[threading.get_ident()]

    def get_if_exists(self) -> Any:
        return self.thread_connections.get(threading.get_ident())

    def clear_thread_connection(self) -> None:
        self.thread_connections.pop(threading.get_ident(), None)

    def set_thread_connection(self, connection: Any) -> None:
        self.thread_connections[threading.get_ident()] = connection

    @contextlib.contextmanager
    def exception_handler(self, sql: str) -> Iterator[None]:
        try:
            yield
        except DbtDatabaseError:
            raise
        except Exception as error:
            # Like dbt's adapters, wrap any other exception.
            raise DbtDatabaseError(str(error)) from None

    def cancel(self, connection: Any) -> None:
        # dbt cancels from a separate connection.
        assert threading.get_ident() in self.thread_connections
        self.cancelled.append(connection)

    def begin(self) -> None:
        pass

    def commit(self) -> None:
        pass

    def _add_query_comment(self, sql: str) -> str:
        return sql


class Adapter:
    """The part of dbt's adapters that the gateway calls. A connection is a DuckDB cursor."""

    quotes = '""'
    kind = "?"
    manager = Manager

    def __init__(self, world: World, **variables: str) -> None:
        self.world = world
        self.connections = self.manager(self)
        self.config = SimpleNamespace(cli_vars=variables, vars=None, project_name="shop")
        self.Relation = BaseRelation

    def client(self) -> Any:
        """The connection of the cloud's client, as dbt's adapter wraps it."""
        raise NotImplementedError

    def type(self) -> str:
        return self.kind

    @contextlib.contextmanager
    def connection_named(self, name: str) -> Iterator[None]:
        with self.connections.named(name):
            yield

    # SQL.

    def translated(self, sql: str) -> str:
        """Translates a statement to DuckDB's dialect."""
        return sql

    def run(self, sql: str, values: Any = None) -> Any:
        """Runs a statement on this thread's connection, as the server would."""
        self.world.step(sql)
        cursor = self.connections.get_thread_connection().cursor
        try:
            cursor.execute(self.translated(sql), values or [])
        except duckdb.Error as error:
            raise DbtDatabaseError(f"{error}") from None
        self.world.look()
        return cursor

    def add_query(self, sql: str, bindings: Any = None, abridge_sql_log: bool = False) -> Any:
        return None, self.run(sql, bindings)

    def execute_macro(self, name: str, kwargs: dict[str, Any]) -> Any:
        base = kwargs["base_relation"]
        assert name in ("make_intermediate_relation", "make_backup_relation")
        path = {"identifier": base.identifier + kwargs["suffix"]}
        return base.incorporate(path=path, type="table")

    # The catalogue.

    def quote(self, name: str) -> str:
        return f"{self.quotes[0]}{name}{self.quotes[1]}"

    def list_schemas(self, database: str | None) -> list[str]:
        return [SCHEMA]

    def list_relations_without_caching(self, schema: Any) -> list[Any]:
        found = self._look_up("select table_name, table_type from information_schema.tables")
        return [relation(name, "view" if kind == "VIEW" else "table") for name, kind in found]

    def get_columns_in_relation(self, one: Any) -> list[Any]:
        described = self._look_up(f'describe "{one.identifier}"')
        return [Column(row[0], row[1]) for row in described]

    def _look_up(self, sql: str) -> list[Any]:
        return self.connections.get_thread_connection().cursor.execute(sql).fetchall()

    def drop_relation(self, one: Any) -> None:
        self.run(f'drop {one.type} if exists "{one.identifier}"')

    def rename_relation(self, old: Any, new: Any) -> None:
        self.run(f'alter {old.type} "{old.identifier}" rename to "{new.identifier}"')

    def cache_dropped(self, _: Any) -> None:
        pass


class ContextManager:
    """Something that a `with` statement takes and that need not be closed."""

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        pass


class Finish:
    """Imitates the steps after a write that a model's configuration asks for, without dbt's macros."""

    def __init__(self, world: World, adapter: Adapter, options: str = "") -> None:
        self.world, self.adapter, self.options = world, adapter, options
        self.calls: list[bool] = []

    def create_sql(self, handle: Any, one: Any, select: str, *more: str) -> str:
        replaces = self.adapter.kind not in ("redshift", "trino") or "replace" in more
        create = "create or replace" if replaces else "create"
        return f"{create} table {one} {self.options}as (\n{select}\n)"

    def __call__(self, handle: Any, is_new: bool) -> None:
        self.world.step(f"finish({is_new})")
        self.calls.append(is_new)
