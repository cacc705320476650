"""Columns of polars that Arrow has no type for: integers of 128 bits become decimals, Python objects are refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .error import FalError
from .object_values import refusal

_LARGE = ("Int128", "UInt128")


def plain(frame: Any) -> Any:
    """The frame with every column in a dtype that Arrow has."""
    casts = [
        _decimal(name, frame[name])
        for name, dtype in frame.schema.items()
        if _is_large(name, dtype)
    ]
    return frame.with_columns(casts) if casts else frame


def _is_large(name: str, dtype: Any) -> bool:
    parts = set(map(_name, _parts(dtype)))
    if "Object" in parts:
        help = "Write them as text, numbers or dates."
        raise FalError(
            f"fal: column {name!r} holds Python objects, which no table can hold",
            "worker::value",
            help,
        )
    if _name(dtype) not in _LARGE and not parts.isdisjoint(_LARGE):
        what = f"holds integers of 128 bits within {dtype}, which Arrow has no type for"
        raise FalError(
            f"fal: column {name!r} {what}", "worker::value", "Cast them to Int64, or to text."
        )
    return _name(dtype) in _LARGE


def _parts(dtype: Any) -> Iterator[Any]:
    """The dtype, and those that it is made of."""
    yield dtype
    inner = [field.dtype for field in getattr(dtype, "fields", [])] or [
        getattr(dtype, "inner", None)
    ]
    for each in inner:
        if each is not None:
            yield from _parts(each)


def _name(dtype: Any) -> str:
    return (dtype if isinstance(dtype, type) else type(dtype)).__name__


def _decimal(name: str, series: Any) -> Any:
    import polars

    decimals = series.cast(polars.Decimal(38, 0), strict=False)
    lost = (decimals.is_null() & series.is_not_null()).arg_true()
    if len(lost):
        what = "holds integers of more than 38 digits, which no decimal can hold"
        raise refusal(name, what, lost[0], series[lost[0]], "Cast the column to text.")
    return decimals
