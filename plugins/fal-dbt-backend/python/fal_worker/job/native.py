"""dbt's own kind of Python model: `def model(dbt, session)` or `def model(dbt, fal)` returns the
rows that are written.
"""

from __future__ import annotations

import inspect
import types
from typing import TYPE_CHECKING, Any

from . import read
from .error import FalError

if TYPE_CHECKING:
    from .native_duckdb import DuckDB
    from .program import Program
    from .scope import Scope

_WRITES = ("write_to_model", "write_to_source")


class Warehouse:
    """A warehouse for which `dbt.ref` returns pandas."""

    def __init__(self, scope: Scope, handle: Any = None) -> None:
        self._gateway = scope.gateway
        self.handle = Session(scope) if handle is None else handle

    def knows(self, relation: str) -> None:
        """Does nothing: every query goes to the warehouse."""

    def frame(self, relation: str, part: dict[str, Any]) -> Any:
        """The rows of a relation, or a part of them."""
        return read.read(self._gateway, "pandas", op="relation", relation=relation, **part)


class Session:
    """The second argument of a model: SQL that the warehouse runs."""

    def __init__(self, scope: Scope) -> None:
        self._gateway = scope.gateway
        self._adapter = (scope.request.target or {}).get("type", "this warehouse")

    def sql(self, query: str, as_: str = "pandas") -> Any:
        """Runs SQL unchanged, without Jinja, and reads its rows.

        `as_` is `pandas`, `polars`, `arrow` or `reader`.
        """
        if not isinstance(query, str):
            raise FalError(f"fal: sql takes the text of a query, not {type(query).__name__}")
        return read.read(self._gateway, as_, op="sql", sql=query, raw=True)

    def table(self, name: Any, as_: str = "pandas") -> Any:
        """Reads a relation by its name in SQL, as of `dbt.this`."""
        return read.read(self._gateway, as_, op="relation", relation=str(name))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"the session of a model on {self._adapter} has sql(query) and table(name), and no {name!r}"
        )


class Fal(Session):
    """The second argument of a model that calls it `fal`: the functions of scripts, except for
    writes.
    """

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._names = scope.names()

    def __getattr__(self, name: str) -> Any:
        if name in _WRITES:
            raise FalError(f"fal: a model(dbt, fal) calls no {name}", help="It returns its rows.")
        if name.startswith("__") or name not in self.__dict__.get("_names", {}):
            raise AttributeError(
                f"fal has no {name!r}; it has sql, table and what scripts have in scope"
            )
        return self._names[name]


# With this value of `as_`, a read returns the relation's name instead of its rows.
NAME = "name"


def run(program: Program, module: types.ModuleType, scope: Scope) -> None:
    """Runs dbt's compiled code, calls `model`, and writes what it returns.

    The code is the user's file followed by dbt's `ref`, `source`, `config` and `dbtObj`; these take
    the place of our names of the same kind.
    """
    program.run(module.__dict__)
    model = module.__dict__.get("model")
    if not callable(model) or "dbtObj" not in module.__dict__:
        raise FalError("fal: the compiled code has no model(dbt, session)")
    session = _session(model, scope)
    # dbt's functions look names up, and hand them to this one.
    dbt = module.dbtObj(str)
    _with_frames(dbt, Frames(scope, session))
    session.knows(str(getattr(dbt, "this", "")))
    scope.writes.relation(model(dbt, session.handle))


def _session(model: Any, scope: Scope) -> Warehouse | DuckDB:
    """A model whose second argument is called `fal` gets pandas, as fal gave it."""
    second = [*inspect.signature(model).parameters, "", ""][1]
    if second == "fal":
        return Warehouse(scope, Fal(scope))
    if (scope.request.target or {}).get("type", "duckdb") == "duckdb":
        try:
            import duckdb  # noqa: F401
        except ModuleNotFoundError:
            return Warehouse(scope)
        from .native_duckdb import DuckDB

        return DuckDB(scope)
    return Warehouse(scope)


class Frames:
    """Reads relations in the form that the model asks for, else in that of its session."""

    def __init__(self, scope: Scope, session: Warehouse | DuckDB) -> None:
        self._scope, self._session = scope, session

    def read(self, relation: str, form: str | None, part: dict[str, Any]) -> Any:
        """The rows of a relation, or its name."""
        self._session.knows(relation)
        if form is None:
            return self._session.frame(relation, part)
        if form == NAME:
            return relation
        if form not in read.FORMS:
            raise FalError(f"fal: as_ is one of {', '.join((*read.FORMS, NAME))}, not {form!r}")
        return read.read(self._scope.gateway, form, op="relation", relation=relation, **part)


def _with_frames(dbt: Any, frames: Frames) -> None:
    """Gives `dbt` functions that read, instead of those that return names."""
    ref_name, source_name = dbt.ref, getattr(dbt, "source", None)

    def ref(
        *args: str,
        as_: Any = None,
        columns: Any = None,
        where: Any = None,
        limit: Any = None,
        **version: Any,
    ) -> Any:
        """Reads a model, seed or snapshot.

        The keywords as for `ref` in scripts; `as_="name"` gives the relation's name.
        """
        return frames.read(
            _known(ref_name, "ref", args, version),
            as_,
            read.subset("dbt.ref", columns, where, limit),
        )

    def source(*args: str) -> Any:
        """Reads a source. dbt takes no keywords here."""
        return frames.read(_known(source_name, "source", args, {}), None, {})

    dbt.ref, dbt.source = ref, source


def _known(function: Any, name: str, args: tuple[str, ...], version: dict[str, Any]) -> str:
    try:
        return str(function(*args, **version))
    except KeyError as error:
        raise FalError(
            f"fal: dbt.{name} does not know {error}",
            help=f"dbt finds what a model reads in calls such as rows = dbt.{name}(...) whose arguments are literals.",
        ) from None
