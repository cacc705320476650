"""The names that a model sees without importing them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from . import objects, read
from .client import GatewayClient
from .error import FalError
from .objects import Context, Later, LaterText, recorded
from .writes import Writes

if TYPE_CHECKING:
    from .report import Places
    from .request import Request

_MISSING = object()


class Scope:
    """Functions over one gateway; `names` is what goes into the module of the user's code."""

    def __init__(self, request: Request, gateway: GatewayClient, reporter: Places) -> None:
        self.gateway = gateway
        self.request = request
        self.reporter = reporter
        self._names: dict[str, Any] | None = None
        self.writes = Writes(gateway, reporter, request, self._has_structs)
        self.context = Context(request, lambda: gateway.ask("context"))

    def _has_structs(self) -> bool:
        """Whether dicts become structs in the warehouse.

        Few models write any, so it is asked for when one does.
        """
        return bool(self.gateway.ask("warehouse")["has_structs"])

    def names(self) -> dict[str, Any]:
        """Name and value of everything in scope, the same values at every call."""
        if self._names is None:
            self._names = self._make_names()
        return dict(self._names)

    def _make_names(self) -> dict[str, Any]:
        functions = [
            self.ref,
            self.source,
            self.write_to_model,
            self.write_to_source,
            self.execute_sql,
        ]
        functions += [
            self.list_models,
            self.list_models_ids,
            self.list_sources,
            self.list_tests,
            self.list_features,
        ]
        functions += [self.var, self.env_var, self.is_incremental]
        return {
            **{function.__name__: function for function in functions},
            "context": self.context,
            "this": LaterText(self._this),
            "target": recorded(self.request.target) or Later(lambda: self.context["target"]),
            "FalError": FalError,
        }

    def ref(
        self,
        *args: str,
        version: Any = None,
        v: Any = None,
        as_: str = "pandas",
        columns: Any = None,
        where: Any = None,
        limit: Any = None,
    ) -> Any:
        """Reads a model, seed or snapshot: `ref("orders")`, `ref("package", "orders")`,
        `ref("orders", version=2)`.

        Or a part of it, which the warehouse selects: `columns` is a list of names, `where` a
        condition in SQL, with Jinja, `limit` a number of rows.

        `as_` is one of `pandas` (a DataFrame), `polars` (a DataFrame), `arrow` (a `pyarrow.Table`)
        and `reader` (a `pyarrow.RecordBatchReader`, for relations larger than memory). The
        documentation of `fal_worker.job.read` lists the pandas type of each column type.
        """
        _check_names("ref", args, 1, 2)
        number = version if version is not None else v
        chosen = read.subset("ref", columns, where, limit)
        return read.read(self.gateway, as_, op="ref", args=list(args), version=number, **chosen)

    def source(
        self,
        *args: str,
        as_: str = "pandas",
        columns: Any = None,
        where: Any = None,
        limit: Any = None,
    ) -> Any:
        """Reads a source: `source("raw", "payments")`. The keywords as for `ref`."""
        _check_names("source", args, 2, 2)
        return read.read(
            self.gateway,
            as_,
            op="source",
            args=list(args),
            **read.subset("source", columns, where, limit),
        )

    def execute_sql(self, sql: str, as_: str = "pandas") -> Any:
        """Runs a query in the warehouse, with Jinja, and reads its rows. `as_` as for `ref`."""
        if not isinstance(sql, (str, LaterText)):
            raise FalError(f"fal: execute_sql takes the text of a query, not {_type_name(sql)}")
        return read.read(self.gateway, as_, op="sql", sql=str(sql))

    def is_incremental(self) -> bool:
        """Whether the model is incremental, its table exists, and no full refresh was requested, as
        dbt's macro answers.
        """
        return bool(self.gateway.ask("is_incremental"))

    def write_to_model(self, data: Any, dtype: Any = None, mode: str | None = None) -> None:
        """Writes the rows of this model; in a Python model called exactly once, in a before- or
        after-script as often as you like.

        Without a `mode` the model's materialization says what becomes of the rows that are there.
        With `mode="append"` the rows come to those; with `mode="overwrite"` they take their place,
        also in an incremental model. There a mode may name any other strategy of dbt's for this
        run: `merge`, `delete+insert`.

        Takes a pandas or polars DataFrame, a polars LazyFrame, a pyarrow Table, RecordBatch or
        RecordBatchReader, a DuckDB relation, anything with `__arrow_c_stream__`, and a generator of
        any of these, which is streamed. The index of a pandas DataFrame is not written. Names of
        columns become text. `dtype` gives columns types of the warehouse, as in
        `pandas.DataFrame.to_sql`: types of SQLAlchemy or SQL as text, one for all columns or a
        dictionary.
        """
        self.writes.model(data, dtype, mode)

    def write_to_source(
        self,
        data: Any,
        source: Any = None,
        table: Any = None,
        dtype: Any = None,
        mode: str = "append",
        **older: Any,
    ) -> None:
        """Writes rows to the table of a source, at once: appends by the names of columns, or with
        `mode="overwrite"` replaces.

        A table that is not there is made. `dtype` as for `write_to_model`.
        """
        source, table = _older_names(older, "source", source), _older_names(older, "table", table)
        if older:
            raise FalError(f"fal: write_to_source does not know {', '.join(older)}")
        _check_names(
            "write_to_source", tuple(name for name in (source, table) if name is not None), 2, 2
        )
        self.writes.source(data, source, table, dtype, mode)

    def list_models(self) -> list[Any]:
        """All models of the project: objects with `name`, `unique_id`, `status`, ..."""
        return objects.models(self.gateway.ask("list_models"))

    def list_models_ids(self) -> Any:
        """The unique ids of all models, with their status."""
        return recorded(self.gateway.ask("list_models_ids"))

    def list_sources(self) -> list[Any]:
        """All tables of sources of the project: objects with `name` (of the source), `table_name`,
        `tests`, ...
        """
        return objects.sources(self.gateway.ask("list_sources"))

    def list_tests(self) -> list[Any]:
        """All tests of the project: objects with `name`, `model_name`, `column`, `status`, ..."""
        return objects.tests(self.gateway.ask("list_tests"))

    def list_features(self) -> list[Any]:
        """The columns of models with a `feature_store`: objects with `model`, `column`,
        `entity_column`, ...
        """
        return list(recorded(self.gateway.ask("list_features")))

    def var(self, name: str, default: Any = _MISSING) -> Any:
        """A variable of the project or the command line."""
        if name in self.request.vars:
            return self.request.vars[name]
        value = (self.context.get("vars") or {}).get(name, default)
        if value is _MISSING:
            raise FalError(
                f"fal: there is no var {name!r}", help="Set it in dbt_project.yml or with --vars."
            )
        return value

    def env_var(self, name: str, default: Any = _MISSING) -> Any:
        """A variable of the environment."""
        value = os.environ.get(name, default)
        if value is _MISSING:
            raise FalError(f"fal: there is no environment variable {name!r}")
        return value

    def _this(self) -> Any:
        """The model's own relation, as text for a query."""
        if self.context.get("this") is not None:
            return self.context["this"]
        model = self.context["current_model"]
        if model is None:
            raise FalError("fal: a global script belongs to no model, so there is no `this`")
        parts = [
            model.get("database"),
            model.get("schema"),
            model.get("alias") or model.get("name"),
        ]
        return ".".join(f'"{part}"' for part in parts if part)


def _check_names(function: str, args: tuple[Any, ...], least: int, most: int) -> None:
    if not least <= len(args) <= most:
        wanted = f"{least} or {most} names" if least != most else f"{least} names"
        raise FalError(f"fal: {function} takes {wanted}, not {len(args)}")
    for value in args:
        if not isinstance(value, str):
            raise FalError(f"fal: {function} takes names as text, not {_type_name(value)}")


def _older_names(given: dict[str, Any], name: str, value: Any) -> Any:
    """Versions of fal named the arguments differently."""
    for older in (f"{name}_name", f"target_{name}_name"):
        value = given.pop(older, value)
    return value


def _type_name(value: Any) -> str:
    return type(value).__name__
