"""A unit test of a model: the gateway that its code sees, which has the given rows and no warehouse behind it."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any

from fal_worker.job.error import FalError

from .job_sql import Local

if TYPE_CHECKING:
    import types

    import pyarrow

    from fal_worker.job.client import Gateway

# Rows travel to the session within an answer, whose length is limited.
_MOST_BYTES = 8 << 20

# Errors over a column that is not there: of pandas, polars and pyarrow, and of DuckDB by its own names.
_OF_COLUMNS = ("KeyError", "ColumnNotFoundError", "BinderException")


class UnitTest:
    """Takes the place of `client.Gateway`. What it cannot tell from the given rows it asks the session: facts of the project."""

    def __init__(self, told: dict[str, Any], gateway: Gateway) -> None:
        self._told, self._gateway = told, gateway
        self.name = str(told["name"])
        self.vars: dict[str, Any] = dict(told.get("vars") or {})
        self._given: list[dict[str, Any]] = list(told["given"])
        self._tables: dict[str, pyarrow.Table] = {}
        self._local = Local(self)
        self._written: pyarrow.Table | None = None

    def prepare(self, module: types.ModuleType) -> None:
        """Before the code runs: variables of the environment and, for a dbt-native model, its `dbt`."""
        os.environ.update(self._told.get("env_vars") or {})
        module.dbtObj = self._dbt  # type: ignore[attr-defined]

    def _dbt(self, load: Any) -> Any:
        from .job_dbt import Dbt

        return Dbt(self, self._told, load)

    # What `client.Gateway` has.

    def read(self, **command: Any) -> pyarrow.RecordBatchReader:
        """As the gateway's, over the given rows."""
        return self.read_table(**command).to_reader()

    def read_table(self, **command: Any) -> pyarrow.Table:
        """As the gateway's, over the given rows."""
        op = command["op"]
        if op == "sql":
            sql = str(command["sql"])
            return self._local.query(
                sql if command.get("raw") else str(self._gateway.ask("unit_test_sql", sql=sql))
            )
        if op == "relation":
            given = self._by_relation(command["relation"])
        else:
            given = self.find(op, command["args"], command.get("version"))
        part = {
            name: command[name]
            for name in ("columns", "where", "limit")
            if command.get(name) is not None
        }
        return self._local.part(given, part) if part else self.table(given)

    def write(
        self, batches: pyarrow.RecordBatchReader, final: bool = False, **command: Any
    ) -> None:
        """Keeps what the model writes; nothing else is written."""
        if final or command["op"] not in ("write_to_model", "write_relation"):
            raise FalError(
                f"fal: the unit test {self.name} does not write to a source",
                "worker::unit_test",
                "A unit test looks at the rows of its model alone.",
            )
        self._written = self._small(batches)

    def _small(self, batches: pyarrow.RecordBatchReader) -> pyarrow.Table:
        import pyarrow

        kept, size, count = [], 0, 0
        for batch in batches:
            kept.append(batch)
            size, count = size + batch.nbytes, count + batch.num_rows
            if size > _MOST_BYTES:
                told = f"fal: the model gave {count} rows and more to the unit test {self.name}, too many to compare"
                raise FalError(told, "worker::unit_test")
        return pyarrow.Table.from_batches(kept, batches.schema)

    def ask(self, action: str, **body: Any) -> Any:
        """As the gateway's, with the overrides of the test."""
        if action == "is_incremental":
            return bool(self._told.get("is_incremental"))
        answer = self._gateway.ask(action, **body)
        if action == "context":
            answer["vars"] = {**(answer.get("vars") or {}), **self.vars}
        return answer

    # The given rows.

    def given(self) -> list[dict[str, Any]]:
        """All inputs."""
        return self._given

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
        found = [given for given in self._given if fits(given, args, version)]
        found.sort(key=lambda given: not given["is_own_package"])
        if not found:
            raise self.not_given(shown(function, args, version))
        return found[0]

    def not_given(self, call: str) -> FalError:
        """What is said where the code reads what the test does not give."""
        inputs = ", ".join(given["input"] for given in self._given) or "nothing"
        return FalError(
            f"fal: the model reads {call}, which the unit test {self.name} does not give",
            "worker::not_given",
            f"Add it to `given`, with `rows: []` if its rows do not matter. Given: {inputs}.",
        )

    def _by_relation(self, relation: str) -> dict[str, Any]:
        for given in self._given:
            if relation in (given["relation"], given["table"]):
                return given
        raise self.not_given(relation)

    def explained(self, error: BaseException, told: dict[str, Any]) -> dict[str, Any]:
        """The account of an error; of one over a column, with the columns that the test gives: the warehouse has more perhaps."""
        if type(error).__name__ not in _OF_COLUMNS or not self._given:
            return told
        inputs = [
            f"  {given['input']}: {', '.join(self.table(given).schema.names) or 'none'}"
            for given in self._given
        ]
        note = "\n".join([f"The columns that the unit test {self.name} gives:", *inputs])
        return {**told, "traceback": f"{told['traceback']}\n{note}"}

    # The rows of the model.

    def rows(self) -> str:
        """What the model wrote, for the session."""
        import pyarrow

        assert self._written is not None
        sink = pyarrow.BufferOutputStream()
        with pyarrow.ipc.new_stream(sink, self._written.schema) as writer:
            writer.write_table(self._written)
        return base64.b64encode(sink.getvalue().to_pybytes()).decode()


def shown(function: str, args: list[str], version: Any = None) -> str:
    """The call as the user wrote it."""
    return f"{function}({', '.join([*map(repr, args), *([f'version={version!r}'] if version is not None else [])])})"


def _is_source(given: dict[str, Any], args: list[str], version: Any) -> bool:
    return given["kind"] == "source" and [given["source"], given["name"]] == list(args)


def _is_ref(given: dict[str, Any], args: list[str], version: Any) -> bool:
    *package, name = args
    if (
        given["kind"] == "source"
        or given["name"] != name
        or (package and given["package"] != package[0])
    ):
        return False
    return bool(given["is_latest"]) if version is None else given["version"] == str(version)
