"""A dbt-native model's view of DuckDB: relations of DuckDB, and a session that knows the warehouse."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

from .error import FalError

if TYPE_CHECKING:
    from types import FrameType

    from .scope import Scope


class DuckDB:
    """`dbt.ref` gives relations of DuckDB, as dbt-duckdb does, over the rows in memory."""

    def __init__(self, scope: Scope) -> None:
        import duckdb

        self._gateway = scope.gateway
        self._connection = duckdb.connect(":memory:")
        self._relations: set[str] = set()
        self.handle = Session(self._connection, self)

    def knows(self, relation: str) -> None:
        """Notes the name of a relation of the warehouse, as queries name it."""
        if relation:
            self._relations.add(relation)

    def frame(self, relation: str, part: dict[str, Any]) -> Any:
        """The rows of a relation of the warehouse, or a part of them."""
        return self._connection.from_arrow(self._rows(relation, part))

    def query_warehouse(self, sql: str) -> Any:
        """Runs the SQL in the warehouse, unchanged."""
        return self._connection.from_arrow(self._gateway.read_table(op="sql", sql=sql, raw=True))

    def names_of_warehouse(self, sql: str) -> list[str]:
        """The relations of the warehouse that the SQL names, longest first."""
        return sorted((name for name in self._relations if name in sql), key=len, reverse=True)

    def with_local_tables(self, sql: str, names: list[str]) -> str:
        """Replaces the warehouse's relations in the SQL by tables of the job."""
        for number, name in enumerate(names):
            local = f"fal_relation_{number}"
            self._connection.register(local, self._rows(name))
            sql = sql.replace(name, local)
        return sql

    def _rows(self, relation: str, part: dict[str, Any] | None = None) -> Any:
        return self._gateway.read_table(op="relation", relation=relation, **(part or {}))


class Session:
    """A DuckDB connection of the job, that also knows the warehouse.

    In dbt's own process a table of the warehouse comes before a frame of the same name, so a query
    that names a relation of the warehouse is asked there first. What the warehouse does not know
    are frames of the user.
    """

    def __init__(self, connection: Any, models: DuckDB) -> None:
        self._connection = connection
        self._models = models

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def sql(self, query: str, **options: Any) -> Any:
        """Like DuckDB's `sql`."""
        return self._ask("sql", query, options, sys._getframe(1))

    def query(self, query: str, **options: Any) -> Any:
        """Like DuckDB's `query`."""
        return self._ask("query", query, options, sys._getframe(1))

    def execute(self, query: Any, *args: Any, **options: Any) -> Any:
        """Like DuckDB's `execute`. With parameters only the job's own tables are known."""
        if args or options or not isinstance(query, str):
            return self._connection.execute(query, *args, **options)
        return self._ask("execute", query, {}, sys._getframe(1))

    def _ask(self, method: str, query: str, options: dict[str, Any], caller: FrameType) -> Any:
        names = self._models.names_of_warehouse(query)
        if names:
            with contextlib.suppress(FalError):
                return self._models.query_warehouse(query)
            query = self._models.with_local_tables(query, names)
        try:
            return _called_by(caller, getattr(self._connection, method), query, options)
        except Exception as error:
            if names or not _is_unknown_table(error):
                raise
        return self._models.query_warehouse(query)


def _called_by(caller: FrameType, function: Any, query: str, options: dict[str, Any]) -> Any:
    """Calls as if from the user's code: DuckDB looks up frames by name in the variables of the one
    who calls it.
    """
    call = {"fal_function": function, "fal_query": query, "fal_options": options}
    return eval(
        "fal_function(fal_query, **fal_options)", caller.f_globals, {**caller.f_locals, **call}
    )


def _is_unknown_table(error: Exception) -> bool:
    """Whether the error says that DuckDB found no table of that name, or a Python object that is no
    table.
    """
    import duckdb

    if isinstance(error, duckdb.CatalogException):
        return "does not exist" in str(error)
    return isinstance(
        error, duckdb.InvalidInputException
    ) and "not suitable for replacement scans" in str(error)
