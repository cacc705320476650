"""Converts columns on their way into a warehouse, and refuses values that do not fit.

A value that is refused is named by its column and row; one that Arrow cannot hold on the way out,
by its column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.leaves import leaves

from .column_rules import parts

if TYPE_CHECKING:
    import pyarrow as pa

Convert = Callable[[Any], Any]


def fitted(warehouse: str, column: str, before: int, array: pa.Array, convert: Convert) -> Any:
    """Converts an array; `before` rows of the stream came before it."""
    import pyarrow as pa

    failures = (pa.ArrowException, ValueError, OverflowError)
    try:
        return convert(array)
    except failures as error:
        row, reason = _first(array, convert, failures) or (0, error)
        message = f"The column `{column}` holds, in row {before + row + 1}, a value that {warehouse} cannot store: {reason}"
        raise SessionError("gateway::value", message, _help(reason)) from None


def cast(array: pa.Array, type: Any) -> pa.Array:
    """Casts an array. Raises if anything would be lost, fractions of the target's unit too."""
    return array if array.type.equals(type) else array.cast(type)


def whole_microseconds(array: pa.Array) -> pa.Array:
    """Checks intervals, nested ones too: databases do not store their nanoseconds."""
    import pyarrow as pa

    for leaf in leaves([array]):
        for value in leaf.to_pylist() if pa.types.is_interval(leaf.type) else ():
            if value is not None and value.nanoseconds % 1000:
                raise ValueError(f"casting {value} to microseconds would lose data")
    return array


def has(is_one: Callable[[Any], bool], type: Any) -> bool:
    """Whether a type is such a one, or is made of one."""
    return is_one(type) or any(has(is_one, part.type) for part in parts(type))


def with_distinct_keys(array: pa.Array) -> pa.Array:
    """Checks maps, nested ones too: databases keep one value of each key."""
    import pyarrow.types as t

    if t.is_map(array.type):
        for value in array.to_pylist():
            keys = [repr(key) for key, _ in value or ()]
            if len(set(keys)) < len(keys):
                raise ValueError(
                    f"a map with the key {next(key for key in keys if keys.count(key) > 1)} twice"
                )
        with_distinct_keys(array.items)
    elif t.is_struct(array.type):
        for place in range(
            array.type.num_fields
        ):  # `flatten` ends the process where one is a union
            with_distinct_keys(array.field(place))
    elif has(t.is_map, array.type) and hasattr(array, "flatten"):
        with_distinct_keys(array.flatten())
    return array


def _first(array: pa.Array, convert: Convert, failures: Any) -> tuple[int, Exception] | None:
    """The row of the first value that cannot be converted, and why."""
    low, high = 0, len(array)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (middle, high)
            if _failure(array.slice(low, middle - low), convert, failures) is None
            else (low, middle)
        )
    reason = _failure(array.slice(low, 1), convert, failures)
    return None if reason is None else (low, reason)


def _failure(array: pa.Array, convert: Convert, failures: Any) -> Exception | None:
    try:
        convert(array)
    except failures as error:
        return error  # type: ignore[no-any-return]  # `failures` are classes that Arrow has no types for
    return None


def _help(reason: Exception) -> str:
    if "would lose data" in str(reason):
        return "Round it, for example to microseconds with .dt.floor('us'), or write the column as text."
    return "Change the value, or write the column as text."


class Stream:
    """A stream with its columns converted.

    Keeps the error that ended it, of which a database's driver would only quote the traceback."""

    def __init__(
        self,
        warehouse: str,
        reader: pa.RecordBatchReader,
        schema: pa.Schema,
        converts: list[Convert | None],
    ) -> None:
        self._warehouse, self._reader, self._schema = warehouse, reader, schema
        self._converts = converts
        self.error: BaseException | None = None

    def reader(self) -> pa.RecordBatchReader:
        import pyarrow as pa

        return pa.RecordBatchReader.from_batches(self._schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        before = 0
        try:
            for batch in self._reader:
                arrays = [
                    array
                    if convert is None
                    else fitted(self._warehouse, name, before, array, convert)
                    for name, array, convert in zip(
                        self._schema.names, batch.columns, self._converts
                    )
                ]
                before += batch.num_rows
                yield pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        except Exception as error:
            self.error = error
            raise


UNFIT = "gateway::value"


def unfit(name: str, what: str, instead: str) -> SessionError:
    """Names the column, what it holds, and SQL to read in its place."""
    return SessionError(UNFIT, unfit_message(name, what), advice(instead))


def unfit_message(name: str, what: str) -> str:
    return (
        f"The column `{name}` holds {what}, for which Arrow, and so pandas and polars, has no value"
    )


def advice(instead: str) -> str:
    return f"Read it by execute_sql, or from a model, with other SQL in its place: {instead}"
