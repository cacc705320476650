"""PostgreSQL: nested values as jsonb, exact: a decimal keeps its digits."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fal_worker.warehouse.encoded import with_distinct_keys

if TYPE_CHECKING:
    import pyarrow as pa

# What a binary COPY of jsonb begins with.
_VERSION = b"\x01"


def to_jsonb(array: pa.Array, as_json: bool = False) -> pa.Array:
    """With `as_json` the values are JSON already."""
    import pyarrow as pa

    if not as_json:
        with_distinct_keys(array)
    rows: list[bytes | None] = []
    for value in array.to_pylist():
        if value is None:
            rows.append(None)
            continue
        text = value if as_json else _text(_with_objects(value, array.type))
        rows.append(_VERSION + text.encode())
    return pa.array(rows, pa.binary())


def _with_objects(value: Any, type: Any) -> Any:
    """Maps by text as dictionaries; Arrow gives them as pairs."""
    import pyarrow.types as t

    if value is None or not t.is_nested(type):
        return value
    if t.is_struct(type):
        return {field.name: _with_objects(value[field.name], field.type) for field in type}
    if t.is_map(type):
        pairs = [(key, _with_objects(item, type.item_type)) for key, item in value]
        return dict(pairs) if _by_text(type) else pairs
    return (
        [_with_objects(each, type.value_type) for each in value]
        if hasattr(type, "value_type")
        else value
    )


def _by_text(type: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(type.key_type) or pa.types.is_large_string(type.key_type))


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{"
            + ",".join(
                f"{json.dumps(str(key), ensure_ascii=False)}:{_text(item)}"
                for key, item in value.items()
            )
            + "}"
        )
    if isinstance(value, (list, tuple)) and type(value).__name__ != "MonthDayNano":
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        raise ValueError(f"JSON has no number {value}")
    if value is None or isinstance(value, (bool, int, float, str)):
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(_said(value), ensure_ascii=False)


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"JSON has no number {value}")
    return format(value, "f")


def _said(value: Any) -> str:
    """As PostgreSQL itself writes the type in JSON."""
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, (dt.date, dt.datetime, dt.time)):
        return value.isoformat()
    if type(value).__name__ == "MonthDayNano":
        return (
            f"{value.months} mons {value.days} days {Decimal(value.nanoseconds) / 10**9:f} seconds"
        )
    if isinstance(value, dt.timedelta):
        return f"{value / dt.timedelta(seconds=1)} seconds"
    return str(value)
