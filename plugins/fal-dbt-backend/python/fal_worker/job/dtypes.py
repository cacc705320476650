"""`dtype=` of the writing functions, as `pandas.DataFrame.to_sql` takes it: types of SQLAlchemy,
SQL as text.

A type of SQLAlchemy is sent to the gateway as the names of its classes, most special first, and the
numbers that it carries; what that means in SQL is the warehouse's to say. SQLAlchemy itself is not
needed, and types of its dialects work as well.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .error import FalError

_DETAILS = ("length", "precision", "scale", "timezone", "dimensions")


def described(dtype: Any, columns: list[str]) -> dict[str, Any]:
    """Describes a type for each column that gets one."""
    if dtype is None:
        return {}
    if not _is_mapping(dtype):
        return {column: _described(column, dtype) for column in columns}
    kinds = {str(column): kind for column, kind in dtype.items()}
    unknown = [column for column in kinds if column not in columns]
    if unknown:  # as pandas, which passes over them, but not in silence
        print(
            f"fal: dtype names columns that the data has not: {', '.join(unknown)}", file=sys.stderr
        )
    return {column: _described(column, kinds[column]) for column in columns if column in kinds}


def of_column(dtype: Any) -> Callable[[str], Any]:
    """The description of a column's type, if it gets one."""

    def described(column: str) -> Any:
        kind = (
            next((each for name, each in dtype.items() if str(name) == column), None)
            if _is_mapping(dtype)
            else dtype
        )
        return None if kind is None else _described(column, kind)

    return described


def _is_mapping(dtype: Any) -> bool:
    return hasattr(dtype, "items") and not isinstance(dtype, type)


def _described(column: str, kind: Any) -> Any:
    if isinstance(kind, str):
        return {"sql": kind}
    if _is_sqlalchemy(kind if isinstance(kind, type) else type(kind)):
        return _of_sqlalchemy(kind)
    raise FalError(
        f"fal: the type of column {column!r} in dtype is {_shown(kind)}, which is no SQL type",
        "worker::dtype",
        "Give a type of SQLAlchemy, such as sqlalchemy.types.Integer or String(20), or SQL as text, such as 'DECIMAL(10, 2)'.",
    )


def _is_sqlalchemy(kind: type) -> bool:
    return any(
        base.__module__.partition(".")[0] == "sqlalchemy" and base.__name__ == "TypeEngine"
        for base in kind.__mro__
    )


def _of_sqlalchemy(kind: Any) -> dict[str, Any]:
    cls = kind if isinstance(kind, type) else type(kind)
    names = [base.__name__ for base in cls.__mro__]
    if "TypeDecorator" in names and getattr(kind, "impl", None) is not None:
        return _of_sqlalchemy(kind.impl)  # the user's own type over another one
    described: dict[str, Any] = {"names": names[:-1]}
    if not isinstance(kind, type):
        details = {name: getattr(kind, name, None) for name in _DETAILS}
        described.update(
            {name: value for name, value in details.items() if isinstance(value, (bool, int))}
        )
        item = getattr(kind, "item_type", None)
        if item is not None:
            described["item"] = _of_sqlalchemy(item)
    return described


def _shown(kind: Any) -> str:
    return f"{kind.__module__}.{kind.__qualname__}" if isinstance(kind, type) else repr(kind)
