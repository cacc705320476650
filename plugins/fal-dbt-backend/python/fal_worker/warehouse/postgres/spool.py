"""PostgreSQL: columns of which only the values say the type.

numeric without precision may hold any number of digits, and every array any number of dimensions. Arrow wants to know before
the first row. So the result is first read to its end, into memory as long as it is small and else into a temporary file, and
measured on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fal_worker.warehouse.generic.spool import Spool

from .arrays import Dimensions
from .columns import Column, check, stored
from .numeric import Digits, to_decimal

if TYPE_CHECKING:
    import pyarrow as pa


def spooled(found: list[Column], batches: Iterator[pa.RecordBatch]) -> pa.RecordBatchReader:
    """`batches` has behind its columns the dimensions of each array among them."""
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
    """What one column's values say of its type."""

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
        """Without a row there is only what the description of the result says."""
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
