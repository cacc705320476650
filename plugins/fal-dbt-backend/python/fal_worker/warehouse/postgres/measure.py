"""Measures columns whose type only their values say.

numeric without precision may hold any number of digits, and an array any number of dimensions, but
an Arrow stream must state its types before the first row. A guess would be wrong for a later row,
and every conversion of a batch that was already handed on would come too late. So the result is
first read to its end and measured on the way: it stays in memory while it is small and goes to a
temporary file otherwise, so the session's memory stays bounded. Results without such columns are
never held back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.warehouse.spool import Spool

from .columns import Column, Digits, check, stored, to_decimal

if TYPE_CHECKING:
    import pyarrow as pa


def spooled(found: list[Column], batches: Iterator[pa.RecordBatch]) -> pa.RecordBatchReader:
    """The rows in their final types. `batches` has, after its columns, the dimensions of each
    array."""
    import pyarrow as pa

    measures = _measures(found)
    spool = Spool()
    for batch in batches:
        for measure in measures:
            measure.add(batch)
        spool.add(batch)
    schema = pa.schema([measure.field for measure in measures])
    converted = (
        pa.RecordBatch.from_arrays(
            [measure.converted(batch) for measure in measures], schema=schema
        )
        for batch in spool
    )
    return pa.RecordBatchReader.from_batches(schema, converted)


def _measures(found: list[Column]) -> list[_Measure]:
    arrays = [number for number, column in enumerate(found) if column.is_array]
    places = {number: len(found) + place for place, number in enumerate(arrays)}
    return [_Measure(column, number, places.get(number)) for number, column in enumerate(found)]


class _Measure:
    """Collects what the values of one column say of its type."""

    def __init__(self, column: Column, place: int, dimensions_at: int | None) -> None:
        self._column, self._place, self._dimensions_at = column, place, dimensions_at
        self._dimensions = Dimensions(column.name)
        numeric = column.kind == "numeric" and column.decimal is None
        self._digits = Digits(column.name) if numeric else None
        self._decimal: Any = column.decimal

    def add(self, batch: pa.RecordBatch) -> None:
        array = batch.column(self._place)
        self._type = array.type
        check(self._column, array)
        if self._digits is not None:
            self._digits.add(array.values if self._column.is_array else array)
        if self._dimensions_at is not None:
            self._dimensions.add(array, batch.column(self._dimensions_at))

    @property
    def field(self) -> pa.Field:
        import pyarrow as pa

        if self._digits is not None:
            self._decimal = self._digits.type
        plain = self._plain()
        element = self._decimal or plain
        for _ in range(self._dimensions.depth if self._column.is_array else 0):
            element = pa.list_(element)
        return self._column.field(element)

    def _plain(self) -> Any:
        """The type by the description of the result, which is all there is without rows."""
        import pyarrow as pa

        column = self._column
        if column.cast is not None:
            return pa.int64() if column.cast.startswith("int8") else pa.string()
        type = stored(column.arrow)
        return type.value_type if column.is_array else type

    def converted(self, batch: pa.RecordBatch) -> pa.Array:
        import pyarrow as pa

        array = batch.column(self._place)
        if not self._column.is_array:
            return (
                array
                if self._decimal is None
                else to_decimal(self._column.name, array, self._decimal)
            )
        if self._decimal is not None:
            values = to_decimal(self._column.name, array.values, self._decimal)
            array = pa.ListArray.from_arrays(
                array.offsets, values, mask=array.is_null() if array.null_count else None
            )
        assert self._dimensions_at is not None
        return self._dimensions.nested(
            array.cast(pa.list_(array.type.value_type)), batch.column(self._dimensions_at)
        )


class Dimensions:
    """Of all values of one column.

    `lengths` is what `array_dims` says of each that has several: `[1:2][1:3]`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._depths: set[int] = set()

    def add(self, array: pa.Array, lengths: pa.Array) -> None:
        import pyarrow.compute as pc

        several = pc.is_valid(lengths)
        for text in pc.unique(lengths.drop_null()).to_pylist():
            self._depths.add(text.count("["))
        # NULL and `{}` go with any number of dimensions.
        flat = pc.and_(
            pc.invert(several), pc.fill_null(pc.greater(pc.list_value_length(array), 0), False)
        )
        if pc.any(flat).as_py():
            self._depths.add(1)
        if len(self._depths) > 1:
            depths = " and ".join(map(str, sorted(self._depths)))
            raise SessionError(
                "gateway::value",
                f"The column `{self._name}` mixes arrays of {depths} dimensions, for which Arrow has no type",
                f"Read it by execute_sql as text: {self._name}::text, or to_jsonb({self._name})",
            )

    @property
    def depth(self) -> int:
        return next(iter(self._depths), 1)

    def nested(self, array: pa.Array, lengths: pa.Array) -> pa.Array:
        import pyarrow as pa

        if self.depth == 1:
            return array
        type = array.type
        for _ in range(self.depth - 1):
            type = pa.list_(type)
        rows = zip(array.to_pylist(), lengths.to_pylist())
        return pa.array(
            [flat if text is None else _shaped(flat, _lengths(text)) for flat, text in rows], type
        )


def _lengths(text: str) -> list[int]:
    return [int(last) - int(first) + 1 for first, last in re.findall(r"\[(-?\d+):(-?\d+)\]", text)]


def _shaped(flat: list[Any], lengths: list[int]) -> list[Any]:
    for length in reversed(lengths[1:]):
        rest = iter(flat)
        flat = [list(islice(rest, length)) for _ in range(len(flat) // length)]
    return flat
