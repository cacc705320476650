"""What a dbt-native model sees on warehouses without a library of their own: pandas, and SQL by way of the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import read
from .error import FalError

if TYPE_CHECKING:
    from .scope import Scope

_WRITES = ("write_to_model", "write_to_source")


class Warehouse:
    """`dbt.ref` gives pandas."""

    def __init__(self, scope: Scope, handle: Any = None) -> None:
        self._gateway = scope.gateway
        self.handle = Session(scope) if handle is None else handle

    def knows(self, relation: str) -> None:
        """The warehouse is asked in any case."""

    def frame(self, relation: str, part: dict[str, Any]) -> Any:
        """The rows of a relation, or a part of them."""
        return read.read(self._gateway, "pandas", op="relation", relation=relation, **part)


class Session:
    """The second argument of a model: SQL that the warehouse runs."""

    def __init__(self, scope: Scope) -> None:
        self._gateway = scope.gateway
        self._adapter = (scope.request.target or {}).get("type", "this warehouse")

    def sql(self, query: str, as_: str = "pandas") -> Any:
        """Runs SQL as it stands, without Jinja, and reads its rows. `as_` is `pandas`, `polars`, `arrow` or `reader`."""
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
    """The second argument of a model that calls it `fal`: what scripts have in scope, but for writes."""

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
