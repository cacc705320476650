"""Trino: literals by types of Arrow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .literals import iso

if TYPE_CHECKING:
    from .literals import Literal


def literal(type: Any) -> Literal:
    """What writes values of this type."""
    import pyarrow.types as t

    if t.is_boolean(type):
        return lambda value: "true" if value else "false"
    if t.is_integer(type):
        return lambda value: f"bigint '{value}'"
    if t.is_floating(type):
        return _double
    if t.is_decimal(type):
        return lambda value: f"cast('{value:f}' as decimal({type.precision}, {type.scale}))"
    if t.is_binary(type):
        return lambda value: f"X'{value.hex()}'"
    if t.is_date(type):
        return lambda value: f"date '{iso(value)}'"
    if t.is_time(type):
        return lambda value: f"time '{iso(value)}'"
    if t.is_timestamp(type):
        zone = " UTC" if type.tz else ""
        return lambda value: f"timestamp '{iso(value)}{zone}'"
    return text


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _double(value: float) -> str:
    if math.isfinite(value):
        return f"double '{value!r}'"
    return "nan()" if math.isnan(value) else ("infinity()" if value > 0 else "-infinity()")
