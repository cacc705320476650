"""Cloud warehouses: dbt's connections, with what their clients offer beside a cursor.

As on the general path, nothing outlives a call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.warehouse.column_rules import ColumnRules
from fal_worker.warehouse.dtypes import SqlTypes
from fal_worker.warehouse.generic import connection as generic_connection
from fal_worker.warehouse.generic import warehouse as generic
from fal_worker.warehouse.generic.connection import Connections
from fal_worker.warehouse.interface import Dialect, Facts

from .types import Words
from .write import Write, Writer

if TYPE_CHECKING:
    from fal_worker.project.readable import Readable
    from fal_worker.warehouse.interface import Finish, Reading

_END = object()


class Connection(generic_connection.Connection):
    """A connection that also gives access to the client's own connection, past dbt."""

    @property
    def handle(self) -> Any:
        """The client's own connection, or what dbt puts around it."""
        return self.own.handle

    def direct(self, call: Callable[[], Any]) -> Any:
        """Calls the client itself, past dbt: what dbt would log, split or convert."""
        self.check()
        with self.failures(), self.adapter.connections.exception_handler("fal"):
            return call()

    def each(self, items: Iterable[Any]) -> Iterator[Any]:
        """Yields the client's items; only the client's own errors count as errors of the database."""
        iterator = iter(items)
        while (item := self.direct(lambda: next(iterator, _END))) is not _END:
            yield item

    def finish(self, finish: Finish | None, is_new: bool) -> None:
        super().finish(finish, is_new)
        self.regain()

    def create_sql(self, finish: Any, relation: Any, select: str, *more: str) -> str | None:
        """The statements that make the table as its model's configuration has it; `None` where
        there is no model."""
        if getattr(finish, "create_sql", None) is None:
            return None
        made: list[str] = []

        def create(handle: Any, _: bool) -> None:
            made.append(finish.create_sql(handle, relation, select, *more))

        self.finish(create, True)
        return made[0]

    def regain(self) -> None:
        """Some managers forget a connection that is released, which dbt's macros do with the one
        that they borrow."""
        manager = self.adapter.connections
        if self.own is not None and manager.get_if_exists() is not self.own:
            manager.clear_thread_connection()
            manager.set_thread_connection(self.own)


def variable(adapter: Any, name: str) -> str | None:
    """A variable of the project (`vars:`, `--vars`), else of the environment under its name in
    capitals."""
    import os

    config = adapter.config
    given = {**_variables(config), **(getattr(config, "cli_vars", None) or {})}
    value = given.get(name) or os.environ.get(name.upper())
    if value is not None and not isinstance(value, str):
        raise SessionError(
            "gateway::variable", f"The variable `{name}` must be text, not {value!r}"
        )
    return value


def _variables(config: Any) -> dict[str, Any]:
    declared = getattr(config, "vars", None)
    given = (
        dict(declared.to_dict()) if declared is not None and hasattr(declared, "to_dict") else {}
    )
    own = given.get(getattr(config, "project_name", None))
    return {**given, **(own if isinstance(own, dict) else {})}


class Cloud(generic.Generic):
    """The general path, with reads and writes of the warehouse's own."""

    words: Words
    connection: type[Connection] = Connection
    write: type[Write]

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self._connections = Connections(adapter, self.connection)
        self.column_rules = ColumnRules(
            self.words.warehouse, folds_fields=self.words.nested is not Words.nested
        )
        self._writer = Writer(self._connections, Dialect(), self.words, self.write)

    def read(self, sql: str, readable: Readable | None = None) -> Reading:
        assert readable is None, "nothing here checks what SQL does"
        self._check_reads(sql)
        with self._connections.lend() as connection:
            return self.read_on(connection, sql)

    def read_on(self, connection: Any, sql: str) -> Reading:
        raise NotImplementedError


def facts(cloud: type[Cloud], types: SqlTypes, appends_by_default: bool = False) -> Facts:
    """The facts about a cloud warehouse."""
    return Facts(
        open=cloud,
        types=types,
        dialect=Dialect(binary=cloud.words.binary),
        has_structs=True,
        applies_config=True,
        appends_by_default=appends_by_default,
    )
