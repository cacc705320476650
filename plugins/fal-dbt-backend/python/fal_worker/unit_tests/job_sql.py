"""SQL in a unit test: an in-memory DuckDB over the given rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.job.error import FalError
from fal_worker.texts import has_jinja

from . import local_duckdb

if TYPE_CHECKING:
    import pyarrow

    from .job import UnitTest


class Local:
    """The database; made when SQL is first run."""

    def __init__(self, test: UnitTest) -> None:
        self._test = test
        self._connection: Any = None

    def query(self, sql: str) -> pyarrow.Table:
        """Rows of SQL that names inputs by their local names, or by those of their relations."""
        connection = self._open()
        import duckdb

        for given in sorted(self._test.given(), key=lambda given: -len(given["relation"])):
            sql = sql.replace(given["relation"], given["table"])
        try:
            return local_duckdb.rows(connection, sql)
        except SessionError as error:
            raise FalError(f"fal: {error.message}", error.code, error.help) from None
        except duckdb.Error as error:
            raise FalError(
                f"fal: {type(error).__name__} in the unit test {self._test.name}: {error}",
                "worker::unit_test_sql",
                "SQL of a unit test runs in an in-memory DuckDB, in DuckDB's dialect, over the given rows alone.",
            ) from None

    def part(self, given: dict[str, Any], part: dict[str, Any]) -> pyarrow.Table:
        """The part of an input that the keywords of `ref` and `source` ask for."""
        table = self._test.table(given)
        if "where" in part:
            wanted = f"select * from {given['table']} where (\n{part['where']}\n)"
            jinja = has_jinja(part["where"])
            table = self._test.read_table(op="sql", sql=wanted, raw=not jinja)
        if "columns" in part:
            table = table.select(
                [self._column(name, table.schema.names, given) for name in part["columns"]]
            )
        return table.slice(0, part["limit"]) if "limit" in part else table

    def _column(self, name: str, there: list[str], given: dict[str, Any]) -> str:
        alike = [column for column in there if column == name]
        alike = alike or [column for column in there if column.casefold() == name.casefold()]
        if len(alike) == 1:
            return alike[0]
        told = f"fal: {given['input']}: there is no column `{name}`"
        raise FalError(
            told,
            "worker::unknown_column",
            f"The unit test {self._test.name} gives: {', '.join(there)}.",
        )

    def _open(self) -> Any:
        if self._connection is None:
            try:
                self._connection = local_duckdb.connect()
            except ModuleNotFoundError:
                raise FalError(
                    "fal: SQL in a unit test runs in an in-memory DuckDB, and duckdb is not installed in the model's environment",
                    "worker::no_duckdb",
                    "Install it there, or leave this model's SQL to a data test.",
                ) from None
            for given in self._test.given():
                self._connection.register(given["table"], self._test.table(given))
        return self._connection
