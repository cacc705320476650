"""A table as the gateway would give it after it was written: in the types that reading it back gives, value by value the same, or not at all."""

from __future__ import annotations

from typing import Any


def as_read(table: Any, schema: Any) -> Any:
    """`table` in exactly this schema; `None` if that is not a matter of layout alone."""
    import pyarrow as pa

    if table.schema.names != schema.names or not all(
        _same(have.type, want.type) for have, want in zip(table.schema, schema)
    ):
        return None
    try:
        columns = [column.cast(field.type) for column, field in zip(table.columns, schema)]
        return pa.table(columns, schema=schema)
    except pa.ArrowException:
        return None


def _same(have: Any, want: Any) -> bool:
    """Whether a safe cast from one to the other keeps every value, or fails."""
    from pyarrow import types as t

    if have == want or t.is_null(have):
        return True
    if t.is_dictionary(have):
        return not t.is_dictionary(want) and _same(have.value_type, want)
    if t.is_timestamp(have) and t.is_timestamp(want):
        return (have.tz is None) == (want.tz is None)
    if t.is_floating(have) and t.is_floating(want):
        return bool(have.bit_width <= want.bit_width)
    if _is_list(have) and _is_list(want):
        return _same(have.value_type, want.value_type)
    kinds = (t.is_integer, _is_text, _is_bytes, t.is_decimal, t.is_date, t.is_time)
    return any(kind(have) and kind(want) for kind in kinds)


def _is_text(kind: Any) -> bool:
    from pyarrow import types as t

    return bool(t.is_string(kind) or t.is_large_string(kind))


def _is_bytes(kind: Any) -> bool:
    from pyarrow import types as t

    return bool(t.is_binary(kind) or t.is_large_binary(kind))


def _is_list(kind: Any) -> bool:
    from pyarrow import types as t

    return bool(t.is_list(kind) or t.is_large_list(kind))
