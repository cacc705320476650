"""The job of a unit test: a gateway whose relations are the test's given rows, with no warehouse
behind it.

`UnitTest` takes the place of `job.client.GatewayClient`. `job.run` imports this module only for a
job that has a unit test.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.job.error import FalError
from fal_worker.texts import has_jinja

from . import sql as local

if TYPE_CHECKING:
    import types

    import pyarrow

    from fal_worker.job.client import GatewayClient

# The rows travel to the session within the job's answer, whose length is limited.
_MOST_BYTES = 8 << 20

# Errors over a missing column: of pandas, polars and pyarrow, and of DuckDB by its own name.
_COLUMN_ERRORS = ("KeyError", "ColumnNotFoundError", "BinderException")


class UnitTest:
    """The gateway of one unit test.

    It answers reads from the given rows, keeps the rows that the model writes, and asks the session
    only for facts about the project.
    """

    def __init__(self, spec: dict[str, Any], gateway: GatewayClient) -> None:
        self._spec, self._gateway = spec, gateway
        self.name = str(spec["name"])
        self.vars: dict[str, Any] = dict(spec.get("vars") or {})
        self.given: list[dict[str, Any]] = list(spec["given"])
        self._tables: dict[str, pyarrow.Table] = {}
        self._database = _Database(self)
        self._written: pyarrow.Table | None = None

    def prepare(self, module: types.ModuleType) -> None:
        """Sets the test's environment variables and, for a dbt-native model, its `dbt`, before the
        code runs.
        """
        os.environ.update(self._spec.get("env_vars") or {})
        module.dbtObj = lambda load: _Dbt(self, self._spec, load)  # type: ignore[attr-defined]

    def read(self, **command: Any) -> pyarrow.RecordBatchReader:
        """As the gateway's `read`, over the given rows."""
        return self.read_table(**command).to_reader()

    def read_table(self, **command: Any) -> pyarrow.Table:
        """As the gateway's `read_table`, over the given rows."""
        op = command["op"]
        if op == "sql":
            text = str(command["sql"])
            if not command.get("raw"):
                text = str(self._gateway.ask("unit_test_sql", sql=text))
            return self._database.query(text)
        if op == "relation":
            given = self._by_relation(command["relation"])
        else:
            given = self.find(op, command["args"], command.get("version"))
        part = {
            name: command[name]
            for name in ("columns", "where", "limit")
            if command.get(name) is not None
        }
        return self._database.part(given, part) if part else self.table(given)

    def write(
        self, batches: pyarrow.RecordBatchReader, final: bool = False, **command: Any
    ) -> None:
        """Keeps what the model writes. Refuses writes to anything else."""
        if final or command["op"] not in ("write_to_model", "write_relation"):
            raise FalError(
                f"fal: the unit test {self.name} does not write to a source",
                "worker::unit_test",
                "A unit test looks at the rows of its model alone.",
            )
        import pyarrow

        kept, size, count = [], 0, 0
        for batch in batches:
            kept.append(batch)
            size, count = size + batch.nbytes, count + batch.num_rows
            if size > _MOST_BYTES:
                message = f"fal: the model gave {count} rows and more to the unit test {self.name}, too many to compare"
                raise FalError(message, "worker::unit_test")
        self._written = pyarrow.Table.from_batches(kept, batches.schema)

    def ask(self, action: str, **body: Any) -> Any:
        """As the gateway's `ask`, with the overrides of the test."""
        if action == "is_incremental":
            return bool(self._spec.get("is_incremental"))
        answer = self._gateway.ask(action, **body)
        if action == "context":
            answer["vars"] = {**(answer.get("vars") or {}), **self.vars}
        return answer

    def table(self, given: dict[str, Any]) -> pyarrow.Table:
        """The rows of an input."""
        import pyarrow

        name = given["table"]
        if name not in self._tables:
            self._tables[name] = pyarrow.ipc.open_stream(base64.b64decode(given["rows"])).read_all()
        return self._tables[name]

    def find(self, function: str, args: list[str], version: Any = None) -> dict[str, Any]:
        """The input that a `ref` or `source` means."""
        fits = _is_source if function == "source" else _is_ref
        found = [given for given in self.given if fits(given, args, version)]
        found.sort(key=lambda given: not given["is_own_package"])
        if not found:
            raise self._not_given(_shown(function, args, version))
        return found[0]

    def _by_relation(self, relation: str) -> dict[str, Any]:
        for given in self.given:
            if relation in (given["relation"], given["table"]):
                return given
        raise self._not_given(relation)

    def _not_given(self, call: str) -> FalError:
        inputs = ", ".join(given["input"] for given in self.given) or "nothing"
        return FalError(
            f"fal: the model reads {call}, which the unit test {self.name} does not give",
            "worker::not_given",
            f"Add it to `given`, with `rows: []` if its rows do not matter. Given: {inputs}.",
        )

    def explained(self, error: BaseException, report: dict[str, Any]) -> dict[str, Any]:
        """The report of an error.

        If a column is missing, it lists the columns that the test gives, since the warehouse may
        have more.
        """
        if type(error).__name__ not in _COLUMN_ERRORS or not self.given:
            return report
        inputs = [
            f"  {given['input']}: {', '.join(self.table(given).schema.names) or 'none'}"
            for given in self.given
        ]
        note = "\n".join([f"The columns that the unit test {self.name} gives:", *inputs])
        return {**report, "traceback": f"{report['traceback']}\n{note}"}

    def rows(self) -> str:
        """What the model wrote, encoded for the answer."""
        assert self._written is not None
        return local.encoded(self._written)


def _shown(function: str, args: list[str], version: Any = None) -> str:
    """The call as the user wrote it."""
    versions = [] if version is None else [f"version={version!r}"]
    return f"{function}({', '.join([*map(repr, args), *versions])})"


def _is_source(given: dict[str, Any], args: list[str], version: Any) -> bool:
    return given["kind"] == "source" and [given["source"], given["name"]] == list(args)


def _is_ref(given: dict[str, Any], args: list[str], version: Any) -> bool:
    *package, name = args
    if given["kind"] == "source" or given["name"] != name:
        return False
    if package and given["package"] != package[0]:
        return False
    return bool(given["is_latest"]) if version is None else given["version"] == str(version)


class _Database:
    """An in-memory DuckDB over the given rows, opened when SQL first runs."""

    def __init__(self, test: UnitTest) -> None:
        self._test = test
        self._connection: Any = None

    def query(self, sql: str) -> pyarrow.Table:
        """The rows of SQL that names inputs by their local names, or by those of their relations."""
        connection = self._open()
        import duckdb

        # The longest first: one relation's name may begin with another's.
        for given in sorted(self._test.given, key=lambda given: -len(given["relation"])):
            sql = sql.replace(given["relation"], given["table"])
        try:
            return local.rows(connection, sql)
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
            names = table.schema.names
            table = table.select([self._column(name, names, given) for name in part["columns"]])
        return table.slice(0, part["limit"]) if "limit" in part else table

    def _column(self, name: str, names: list[str], given: dict[str, Any]) -> str:
        alike = [column for column in names if column == name]
        alike = alike or [column for column in names if column.casefold() == name.casefold()]
        if len(alike) == 1:
            return alike[0]
        raise FalError(
            f"fal: {given['input']}: there is no column `{name}`",
            "worker::unknown_column",
            f"The unit test {self._test.name} gives: {', '.join(names)}.",
        )

    def _open(self) -> Any:
        if self._connection is None:
            try:
                self._connection = local.connect()
            except ModuleNotFoundError:
                raise FalError(
                    "fal: SQL in a unit test runs in an in-memory DuckDB, and duckdb is not installed in the model's environment",
                    "worker::no_duckdb",
                    "Install it there, or leave this model's SQL to a data test.",
                ) from None
            for given in self._test.given:
                self._connection.register(given["table"], self._test.table(given))
        return self._connection


class _Dbt:
    """The `dbt` of a dbt-native model over the given rows: dbt's own object knows only the
    warehouse's relations.
    """

    def __init__(self, test: UnitTest, spec: dict[str, Any], load: Callable[[str], Any]) -> None:
        self._test, self._load = test, load
        self.this = _This(spec["this"])
        self.is_incremental = bool(spec.get("is_incremental"))
        self.config = _Config(spec.get("config") or {})

    def ref(self, *args: str, v: Any = None, version: Any = None) -> Any:
        """The rows that the test gives for a model, seed or snapshot."""
        given = self._test.find("ref", list(args), v if v is not None else version)
        return self._load(given["relation"])

    def source(self, *args: str) -> Any:
        """The rows that the test gives for a source."""
        return self._load(self._test.find("source", list(args))["relation"])


class _This:
    """The relation of the model. SQL that names it reads the rows of the input `this`."""

    def __init__(self, relation: str) -> None:
        parts = [part.strip('"`[]') for part in relation.split(".")]
        self.database, self.schema, self.identifier = ([None, None, *parts])[-3:]
        self._relation = relation

    def __str__(self) -> str:
        return self._relation

    __repr__ = __str__


class _Config:
    """The model's configuration."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config

    def __call__(self, **_: Any) -> None:
        """Does nothing: dbt read the call's arguments when it parsed the model."""

    def get(self, key: str, default: Any = None) -> Any:
        """An entry of the configuration, else of its `meta`."""
        found = self._config.get(key)
        return self.meta_get(key, default) if found is None else found

    def meta_get(self, key: str, default: Any = None) -> Any:
        """An entry of `meta`."""
        return (self._config.get("meta") or {}).get(key, default)
