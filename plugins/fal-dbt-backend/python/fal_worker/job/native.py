"""dbt's own kind of Python model: `def model(dbt, session)` returns what is written."""

from __future__ import annotations

import contextlib
import inspect
import types
from typing import TYPE_CHECKING, Any

from fal_worker.job import read
from fal_worker.job.error import FalError

if TYPE_CHECKING:
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
    scope.writes.relation(model(module.dbtObj(session.load), session.handle))


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

    def load(self, relation: str) -> Any:
        """Reads a relation."""
        return read.read(self._scope.gateway, "pandas", op="relation", relation=str(relation))


class _DuckDB:
    """`dbt.ref` gives relations of DuckDB, as dbt-duckdb does, over the rows in memory."""

    def __init__(self, scope: Scope) -> None:
        self._gateway = scope.gateway
        self._connection = _connect()
        self.handle = Session(self._connection, self)

    def load(self, relation: str) -> Any:
        """Reads a relation."""
        return self._connection.from_arrow(self._gateway.read_table(op="relation", relation=str(relation)))

    def query_warehouse(self, sql: str) -> Any:
        """Runs the SQL in the warehouse, as it stands."""
        return self._connection.from_arrow(self._gateway.read_table(op="sql", sql=sql, raw=True))


def _connect() -> Any:
    """Frames are looked up in all callers: ours stand between `session.sql` and the user's variables."""
    import duckdb

    connection = duckdb.connect(":memory:")
    with contextlib.suppress(duckdb.CatalogException):  # before 1.1 it is so anyway
        connection.execute("set python_scan_all_frames = true")
    return connection


class Session:
    """A DuckDB connection of the job; a query that names tables it does not know is asked of the warehouse."""

    def __init__(self, connection: Any, models: _DuckDB) -> None:
        self._connection = connection
        self._models = models

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def sql(self, query: str, **options: Any) -> Any:
        """As DuckDB's `sql`."""
        return self._ask("sql", query, options)

    def query(self, query: str, **options: Any) -> Any:
        """As DuckDB's `query`."""
        return self._ask("query", query, options)

    def execute(self, query: Any, *args: Any, **options: Any) -> Any:
        """As DuckDB's `execute`. With parameters only the job's own tables are known."""
        if args or options or not isinstance(query, str):
            return self._connection.execute(query, *args, **options)
        return self._ask("execute", query, {})

    def _ask(self, method: str, query: str, options: dict[str, Any]) -> Any:
        import duckdb

        try:
            return getattr(self._connection, method)(query, **options)
        except duckdb.CatalogException as error:
            if "does not exist" not in str(error):
                raise
        return self._models.query_warehouse(query)
