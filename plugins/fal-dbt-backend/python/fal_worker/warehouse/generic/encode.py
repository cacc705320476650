"""Encodes Arrow for any adapter: columns by the adapter's own names of types, rows as parameters.

The names are those that dbt gives the columns of a seed (`convert_type`), and its macros
`type_bigint` and `type_string`. Integers of all widths become bigint, unsigned ones of 64 bits
numeric(20, 0). Floats become what seeds use for numbers with a fraction. Lists, structs and maps
become text, as JSON; an all-NULL column becomes text. Nothing may be finer than a microsecond.
Durations are refused: no two warehouses have the same, and dbt names none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.warehouse.interface import Dialect
from fal_worker.warehouse.values import cast, fitted

from .connection import Connection

if TYPE_CHECKING:
    import pyarrow as pa


class Types:
    """Asks the adapter for names of types."""

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self._connection, self._dialect = connection, dialect

    def sql(self, name: str, type: pa.DataType) -> str:
        """`name` is the column's, for errors."""
        import pyarrow.types as t

        type = plain(type)
        if t.is_boolean(type):
            return self._of_seed("Boolean", True)
        if t.is_integer(type):
            return self._numeric(20, 0) if t.is_uint64(type) else self._macro("type_bigint")
        if t.is_floating(type):
            return self._of_seed("Number", Decimal("1.5"))
        if t.is_decimal(type):
            return self._numeric(type.precision, type.scale)
        if is_text(type) or t.is_null(type) or t.is_nested(type):
            return self._macro("type_string")
        if is_binary(type):
            return self._dialect.binary
        return self._of_time(name, type)

    def _of_time(self, name: str, type: pa.DataType) -> str:
        import pyarrow.types as t

        if t.is_date(type):
            return self._of_seed("Date", None)
        if t.is_time(type):
            return str(self._connection.adapter.convert_time_type(None, 0))
        if t.is_timestamp(type):
            if type.tz is None:
                return self._of_seed("DateTime", None)
            return self._dialect.zoned or self._macro("type_timestamp")
        raise SessionError(
            "gateway::type",
            f"The column `{name}` has the type {type}, for which the dbt adapter `{self._connection.adapter.type()}` has none",
            "Write it as a number or as text.",
        )

    def _of_seed(self, kind: str, value: Any) -> str:
        import agate

        table = agate.Table([[value]], ["x"], [getattr(agate, kind)()])
        return str(self._connection.adapter.convert_type(table, 0))

    def _macro(self, name: str) -> str:
        return str(self._connection.macro(name)).strip()

    def _numeric(self, precision: int, scale: int) -> str:
        return str(self._connection.adapter.Column.numeric_type("numeric", precision, scale))


def plain(type: Any) -> Any:
    """The type of the values themselves."""
    import pyarrow as pa
    import pyarrow.types as t

    if isinstance(type, pa.BaseExtensionType):
        # UUIDs are sixteen bytes in Arrow, and text to everybody else.
        return pa.string() if type.extension_name == "arrow.uuid" else plain(type.storage_type)
    if t.is_dictionary(type) or t.is_run_end_encoded(type):
        return plain(type.value_type)
    return type


def is_text(type: Any) -> bool:
    import pyarrow.types as t

    return t.is_string(type) or t.is_large_string(type) or _is_view(type, "string_view")


def is_binary(type: Any) -> bool:
    import pyarrow.types as t

    return (
        t.is_binary(type)
        or t.is_large_binary(type)
        or t.is_fixed_size_binary(type)
        or _is_view(type, "binary_view")
    )


def _is_view(type: Any, name: str) -> bool:
    # Older versions of pyarrow do not know them.
    return str(type) == name


def parameters(
    batch: pa.RecordBatch, rows: int, plain_values: bool, before: int
) -> Iterator[tuple[int, list[Any]]]:
    """At most so many rows at a time: their number, and their values one row after the other;
    `before` rows are ahead of the batch."""
    for start in range(0, batch.num_rows, rows):
        part = batch.slice(start, rows)
        columns = [
            _values(name, array, plain_values, before + start)
            for name, array in zip(part.schema.names, part.columns)
        ]
        yield part.num_rows, list(chain.from_iterable(zip(*columns)))


def _values(name: str, array: pa.Array, plain_values: bool, before: int) -> list[Any]:
    values = fitted("the database", name, before, array, lambda part: simple(part).to_pylist())
    convert = _conversion(simple(array[:0]).type, plain_values)
    return (
        values
        if convert is None
        else [None if value is None else convert(value) for value in values]
    )


def simple(array: pa.Array) -> pa.Array:
    """The array without dictionaries and extension types, in microseconds."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as t

    if isinstance(array.type, pa.BaseExtensionType):
        if array.type.extension_name == "arrow.uuid":
            return pa.array(
                [None if value is None else str(value) for value in array.to_pylist()], pa.string()
            )
        return simple(array.storage)
    if t.is_dictionary(array.type):
        return simple(array.dictionary_decode())
    if t.is_run_end_encoded(array.type):
        return simple(pc.run_end_decode(array))
    if t.is_timestamp(array.type):
        # As Python's own UTC, which every driver knows, and not as a zone of some library.
        return cast(array, pa.timestamp("us", array.type.tz and "UTC"))
    return cast(array, pa.time64("us")) if t.is_time64(array.type) else array


def _conversion(type: pa.DataType, plain_values: bool) -> Callable[[Any], Any] | None:
    import pyarrow.types as t

    type = plain(type)
    if t.is_nested(type):
        return _json_of_map if t.is_map(type) else _json
    if t.is_uint64(type):
        return (lambda value: value if value < 1 << 63 else str(value)) if plain_values else None
    if not plain_values:
        return None
    if t.is_boolean(type):
        return int
    if t.is_decimal(type):
        return lambda value: format(value, "f")
    if t.is_timestamp(type):
        return lambda value: value.isoformat(sep=" ")
    return (lambda value: value.isoformat()) if t.is_date(type) or t.is_time(type) else None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_other)


def _json_of_map(value: Any) -> str:
    return _json({str(key): each for key, each in value})


def _other(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)
