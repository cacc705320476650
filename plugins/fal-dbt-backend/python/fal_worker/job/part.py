"""Which part of a relation is read: the keywords `columns`, `where` and `limit` of `ref` and `source`, checked before they travel."""

from __future__ import annotations

from typing import Any

from .error import FalError
from .record import LaterText


def part(function: str, columns: Any, where: Any, limit: Any) -> dict[str, Any]:
    """The fields of the ticket for what was given; none of those that were not."""
    fields: dict[str, Any] = {}
    if columns is not None:
        fields["columns"] = _columns(function, columns)
    if where is not None:
        fields["where"] = _where(function, where)
    if limit is not None:
        fields["limit"] = _limit(function, limit)
    return fields


def _columns(function: str, columns: Any) -> list[str]:
    if isinstance(columns, (str, bytes, dict)) or not hasattr(columns, "__iter__"):
        raise FalError(
            f"fal: {function} takes columns=[...], a list of names, not {_shown(columns)}"
        )
    names = list(columns)
    for name in names:
        if not isinstance(name, str):
            raise FalError(
                f"fal: {function} takes columns=[...], a list of names, and {_shown(name)} is none"
            )
    if not names:
        raise FalError(f"fal: {function} takes columns=[...], a list of at least one name")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise FalError(f"fal: {function} was given the column {twice[0]!r} twice")
    return names


def _where(function: str, where: Any) -> str:
    if not isinstance(where, (str, LaterText)):
        raise FalError(
            f"fal: {function} takes where='...', a condition in SQL, not {_shown(where)}"
        )
    text = str(where)
    if not text.strip():
        raise FalError(
            f"fal: {function} was given an empty condition: leave `where` out to read all rows"
        )
    return text


def _limit(function: str, limit: Any) -> int:
    is_whole = hasattr(type(limit), "__index__") and type(limit).__name__ not in ("bool", "bool_")
    if not is_whole or limit < 0:
        raise FalError(
            f"fal: {function} takes limit=n, a whole number of rows from 0, not {_shown(limit)}"
        )
    return int(limit)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 60 else type(value).__name__
