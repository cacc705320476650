"""Any adapter: a batch of Arrow as the parameters of statements."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from fal_worker.warehouse.encoded import cast, fitted

from .types import plain

if TYPE_CHECKING:
    import pyarrow as pa


def parameters(
    batch: pa.RecordBatch, rows: int, plain_values: bool, before: int
) -> Iterator[tuple[int, list[Any]]]:
    """At most so many rows at a time: their number, and their values one row after the other; `before` rows are ahead of the batch."""
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
    """Without dictionaries and extensions, in microseconds."""
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
