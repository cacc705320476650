"""Databricks: its types, and their literals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from fal_worker.warehouse.generic.types import plain

from .literals import iso
from .types import Words, scalar

if TYPE_CHECKING:
    from .literals import Literal


def _nested(type: Any) -> str | None:
    import pyarrow.types as t

    if t.is_struct(type):
        if not type.num_fields:
            return None
        return (
            f"struct<{', '.join(f'{quoted(field.name)}: {_part(field.type)}' for field in type)}>"
        )
    if t.is_union(type):
        return None
    if t.is_map(type):
        return f"map<{_part(type.key_type)}, {_part(type.item_type)}>"
    return f"array<{_part(type.value_type)}>"


def _part(type: Any) -> str:
    import pyarrow.types as t

    type = plain(type)
    return (_nested(type) or "string") if t.is_nested(type) else scalar("", type, WORDS)[0]


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


WORDS = Words(
    "Databricks",
    text="string",
    time=None,
    timestamp="timestamp_ntz",
    zoned="timestamp",
    nested=_nested,
    parse={"variant": "parse_json({})"},
)


def literal(type: Any) -> Literal:
    """What writes values of this type. Spark reads backslashes in text."""
    import pyarrow.types as t

    if t.is_boolean(type):
        return lambda value: "true" if value else "false"
    if t.is_integer(type):
        # The smallest one cannot be written as a number with a sign.
        return lambda value: f"{value}L" if value != -(1 << 63) else "(-9223372036854775807L - 1L)"
    if t.is_floating(type):
        return lambda value: f"{value!r}D" if math.isfinite(value) else f"double('{value}')"
    if t.is_decimal(type):
        return lambda value: f"cast('{value:f}' as decimal({type.precision}, {type.scale}))"
    if t.is_binary(type):
        return lambda value: f"X'{value.hex()}'"
    if t.is_date(type):
        return lambda value: f"date'{iso(value)}'"
    if t.is_timestamp(type):
        return (
            (lambda value: f"timestamp'{iso(value)}+00:00'")
            if type.tz
            else (lambda value: f"timestamp_ntz'{iso(value)}'")
        )
    return _of_parts(type) if t.is_nested(type) else text


def text(value: str) -> str:
    # Spark would put a variable of the session in the place of ${...}, in a text too.
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\u0024{") + "'"


def _of_parts(type: Any) -> Literal:
    """With a cast around it: an empty list alone has no type."""
    import pyarrow.types as t

    sql = _part(type)
    if t.is_struct(type):
        writers = [(field.name, _or_null(literal(field.type))) for field in type]
        return lambda value: (
            f"cast(named_struct({', '.join(f'{text(n)}, {write(value[n])}' for n, write in writers)}) as {sql})"
        )
    if t.is_map(type):
        key, item = literal(type.key_type), _or_null(literal(type.item_type))
        return lambda value: (
            f"cast(map({', '.join(f'{key(k)}, {item(v)}' for k, v in value)}) as {sql})"
        )
    each = _or_null(literal(type.value_type))
    return lambda value: f"cast(array({', '.join(map(each, value))}) as {sql})"


def _or_null(write: Literal) -> Literal:
    return lambda value: "null" if value is None else write(value)
