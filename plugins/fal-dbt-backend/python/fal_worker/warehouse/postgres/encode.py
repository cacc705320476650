"""Encodes Arrow arrays for PostgreSQL: the type of the table's column, and the form that a binary
COPY takes.

Dictionaries become their values' type. Unsigned integers become the next wider one, those of 64
bits numeric(20, 0). Timestamps, times and durations (interval), which PostgreSQL counts in
microseconds, must have no nanoseconds. An all-NULL column becomes text. Lists of simple values
become arrays. Structs, maps, and lists of lists or of those become jsonb, in which bytes are
hexadecimal and durations text; decimals keep their digits.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.warehouse.values import cast, whole_microseconds, with_distinct_keys

from .columns import FIRST_MICROSECOND

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Encoding:
    """How one column is written."""

    sql: str
    # The type that goes to ADBC.
    arrow: Any
    # More than a cast, if that does not do.
    convert: Callable[[Any], Any] | None = None
    untyped: bool = False

    def values(self, array: pa.Array) -> pa.Array:
        return _cast(array, self.arrow) if self.convert is None else self.convert(array)


def encoding(type: Any) -> Encoding:
    """The encoding of a column, or of the elements of a list."""
    import pyarrow as pa
    import pyarrow.types as t

    if isinstance(type, pa.BaseExtensionType):
        return _of_extension(type)
    if t.is_dictionary(type):
        inner = encoding(type.value_type)
        return Encoding(
            inner.sql, inner.arrow, lambda array: inner.values(array.dictionary_decode())
        )
    if t.is_run_end_encoded(type):
        import pyarrow.compute as pc

        inner = encoding(type.value_type)
        return Encoding(
            inner.sql, inner.arrow, lambda array: inner.values(pc.run_end_decode(array))
        )
    if t.is_null(type):
        return Encoding("text", pa.string(), untyped=True)
    if t.is_decimal(type):
        return _of_decimal(type.precision, type.scale)
    if _is_list(type):
        return _of_list(type)
    if t.is_nested(type):
        return Encoding("jsonb", pa.binary(), to_jsonb)
    return _of_scalar(type)


def _of_scalar(type: Any) -> Encoding:
    import pyarrow as pa
    import pyarrow.types as t

    for fits, sql, arrow in (
        (t.is_boolean, "boolean", pa.bool_()),
        (
            lambda kind: t.is_int8(kind) or t.is_uint8(kind) or t.is_int16(kind),
            "smallint",
            pa.int16(),
        ),
        (lambda kind: t.is_uint16(kind) or t.is_int32(kind), "integer", pa.int32()),
        (lambda kind: t.is_uint32(kind) or t.is_int64(kind), "bigint", pa.int64()),
        (t.is_uint64, "numeric(20,0)", pa.decimal128(20, 0)),
        (lambda kind: t.is_float16(kind) or t.is_float32(kind), "real", pa.float32()),
        (t.is_float64, "double precision", pa.float64()),
        (_is_text, "text", None),
        (_is_binary, "bytea", None),
        (t.is_date, "date", pa.date32()),
        (t.is_time, "time", pa.time64("us")),
        (
            lambda kind: t.is_timestamp(kind) and kind.tz is not None,
            "timestamp with time zone",
            pa.timestamp("us", "UTC"),
        ),
        (t.is_timestamp, "timestamp", pa.timestamp("us")),
        (t.is_duration, "interval", pa.duration("us")),
    ):
        if fits(type):
            return Encoding(sql, arrow if arrow is not None else _plain_bytes(type))
    if t.is_interval(type):
        return Encoding("interval", pa.month_day_nano_interval(), whole_microseconds)
    raise SessionError("gateway::type", f"PostgreSQL has no type for Arrow's {type}")


def _plain_bytes(type: Any) -> Any:
    """Text or bytes in a form that ADBC takes, also within lists."""
    import pyarrow as pa
    import pyarrow.types as t

    if t.is_large_string(type) or t.is_large_binary(type):
        return type
    return pa.string() if _is_text(type) else pa.binary()


def _is_text(type: Any) -> bool:
    return _is(type, "string", "large_string", "string_view")


def _is_binary(type: Any) -> bool:
    return _is(type, "binary", "large_binary", "fixed_size_binary", "binary_view")


def _is_list(type: Any) -> bool:
    return _is(type, "list", "large_list", "fixed_size_list", "list_view", "large_list_view")


def _is(type: Any, *kinds: str) -> bool:
    """Whether it is one of these; an older pyarrow does not know all of them."""
    import pyarrow.types as t

    return any(getattr(t, f"is_{kind}", lambda _: False)(type) for kind in kinds)


def _of_decimal(precision: int, scale: int) -> Encoding:
    import pyarrow as pa

    if scale < 0:
        precision, scale = precision - scale, 0
    arrow = (
        pa.decimal128(precision, scale)
        if precision <= 38
        else pa.decimal256(min(precision, 76), scale)
    )
    return Encoding(f"numeric({precision},{scale})", arrow)


def _of_extension(type: Any) -> Encoding:
    import pyarrow as pa

    inner = encoding(type.storage_type)
    name = type.extension_name
    if name == "arrow.uuid":
        return Encoding("uuid", pa.binary(), lambda array: array.storage.cast(pa.binary()))
    if name == "arrow.json":
        return json_encoding()
    return Encoding(inner.sql, inner.arrow, lambda array: inner.values(array.storage))


def json_encoding() -> Encoding:
    """The encoding of JSON text, known by pyarrow's type or only by the field's metadata."""
    import pyarrow as pa

    return Encoding(
        "jsonb", pa.binary(), lambda array: to_jsonb(getattr(array, "storage", array), as_json=True)
    )


def _of_list(type: Any) -> Encoding:
    import pyarrow as pa
    import pyarrow.compute as pc

    child = type.value_type
    if pa.types.is_nested(child) or (
        isinstance(child, pa.BaseExtensionType) and pa.types.is_nested(child.storage_type)
    ):
        return Encoding("jsonb", pa.binary(), to_jsonb)
    inner = encoding(child)

    def convert(array: pa.Array) -> pa.Array:
        # Offsets that begin at the first element. A cast from a list view would lose the last list.
        ends = pc.cumulative_sum(pc.list_value_length(array).cast(pa.int64()).fill_null(0))
        offsets = pa.concat_arrays([pa.array([0], pa.int64()), ends])
        values = inner.values(array.flatten())
        mask = array.is_null() if array.null_count else None
        return pa.LargeListArray.from_arrays(offsets, values, mask=mask)

    return Encoding(f"{inner.sql}[]", pa.large_list(inner.arrow), convert)


def _cast(array: pa.Array, type: Any) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    array = cast(array, type)
    if pa.types.is_timestamp(type):
        first = pc.min(array.cast(pa.int64())).as_py()
        if first is not None and first < FIRST_MICROSECOND:
            # Some of these would come out at the other end of time when ADBC counts from another
            # epoch.
            raise ValueError("a time before 4713 BC")
    return array


# What a binary COPY of jsonb begins with.
_VERSION = b"\x01"


def to_jsonb(array: pa.Array, as_json: bool = False) -> pa.Array:
    """The values as jsonb. With `as_json` they are JSON text already."""
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
