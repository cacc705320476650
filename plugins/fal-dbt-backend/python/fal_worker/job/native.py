"""dbt's own kind of Python model: `def model(dbt, session)` returns what is written."""

from __future__ import annotations

import contextlib
import inspect
import sys
import types
from typing import TYPE_CHECKING, Any

from fal_worker.job import read
from fal_worker.job.error import FalError

if TYPE_CHECKING:
    from types import FrameType

    from fal_worker.job.program import Program
    from fal_worker.job.scope import Scope


def run(program: Program, module: types.ModuleType, scope: Scope) -> None:
    """Runs dbt's compiled code, calls `model`, and writes what it returns.

    The code is the user's file followed by dbt's `ref`, `source`, `config` and `dbtObj`; these take the place of our
    names of the same kind.
    """
    program.run(module.__dict__)
    model = module.__dict__.get("model")
    if not callable(model) or "dbtObj" not in module.__dict__:
        raise FalError("fal: the compiled code has no model(dbt, session)")
    session = _session(model, scope)
    dbt = module.dbtObj(session.load)
    session.knows(str(getattr(dbt, "this", "")))
    scope.writes.relation(model(dbt, session.handle))


def _session(model: Any, scope: Scope) -> _Pandas | _DuckDB:
    """A model whose second argument is called `fal` expects pandas, as the forerunner gave it."""
    second = [*inspect.signature(model).parameters, "", ""][1]
    if second == "fal":
        return _Pandas(scope)
    try:
        import duckdb  # noqa: F401
    except ModuleNotFoundError:
        return _Pandas(scope)
    return _DuckDB(scope)


class _Pandas:
    """`dbt.ref` gives pandas; there is no session."""

    handle = None

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def knows(self, relation: str) -> None:
        """There is no session that could be asked for it."""

    def load(self, relation: str) -> Any:
        """Reads a relation."""
        return read.read(self._scope.gateway, "pandas", op="relation", relation=str(relation))


class _DuckDB:
    """`dbt.ref` gives relations of DuckDB, as dbt-duckdb does, over the rows in memory."""

    def __init__(self, scope: Scope) -> None:
        import duckdb

        self._gateway = scope.gateway
        self._connection = duckdb.connect(":memory:")
        self._relations: set[str] = set()
        self.handle = Session(self._connection, self)

    def knows(self, relation: str) -> None:
        """Notes the name of a relation of the warehouse, as it stands in queries."""
        if relation:
            self._relations.add(relation)

    def load(self, relation: str) -> Any:
        """Reads a relation."""
        self.knows(str(relation))
        return self._connection.from_arrow(self._rows(str(relation)))

    def query_warehouse(self, sql: str) -> Any:
        """Runs the SQL in the warehouse, as it stands."""
        return self._connection.from_arrow(self._gateway.read_table(op="sql", sql=sql, raw=True))

    def names_of_warehouse(self, sql: str) -> list[str]:
        """The relations of the warehouse that the SQL names, longest first."""
        return sorted((name for name in self._relations if name in sql), key=len, reverse=True)

    def with_local_tables(self, sql: str, names: list[str]) -> str:
        """The SQL with tables of the job in the place of relations of the warehouse."""
        for number, name in enumerate(names):
            local = f"fal_relation_{number}"
            self._connection.register(local, self._rows(name))
            sql = sql.replace(name, local)
        return sql

    def _rows(self, relation: str) -> Any:
        return self._gateway.read_table(op="relation", relation=relation)


class Session:
    """A DuckDB connection of the job, that also knows the warehouse.

    In dbt's own process a table of the warehouse comes before a frame of the same name, so a query that names a relation
    of the warehouse is asked there first. What the warehouse does not know are frames of the user.
    """

    def __init__(self, connection: Any, models: _DuckDB) -> None:
        self._connection = connection
        self._models = models

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def sql(self, query: str, **options: Any) -> Any:
        """As DuckDB's `sql`."""
        return self._ask("sql", query, options, sys._getframe(1))

    def query(self, query: str, **options: Any) -> Any:
        """As DuckDB's `query`."""
        return self._ask("query", query, options, sys._getframe(1))

    def execute(self, query: Any, *args: Any, **options: Any) -> Any:
        """As DuckDB's `execute`. With parameters only the job's own tables are known."""
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
    """Calls as if from the user's code: DuckDB looks up frames by name in the variables of the one who calls it."""
    call = {"fal_function": function, "fal_query": query, "fal_options": options}
    return eval("fal_function(fal_query, **fal_options)", caller.f_globals, {**caller.f_locals, **call})


def _is_unknown_table(error: Exception) -> bool:
    """Whether DuckDB found no table of that name, or something in Python that is none."""
    import duckdb

    if isinstance(error, duckdb.CatalogException):
        return "does not exist" in str(error)
    return isinstance(error, duckdb.InvalidInputException) and "not suitable for replacement scans" in str(error)
