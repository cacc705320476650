"""Cloud warehouses: rows as `insert` statements with literals, where there is no bulk way in.

Written out by the type of a column and not by that of a value, so that every value has the column's own type on the way: drivers
would make decimals floats, or bytes an array. A statement ends where it would become longer than a warehouse takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .types import encoded_parts

if TYPE_CHECKING:
    import pyarrow as pa

    from .types import Column

Literal = Callable[[Any], str]


def statements(
    columns: list[Column],
    reader: pa.RecordBatchReader,
    into: str,
    literal: Callable[[Any], Literal],
    rows: int,
    characters: int,
) -> Iterator[tuple[int, str]]:
    """Each with its number of rows. `literal` gives for a type of Arrow what writes its values."""
    writers = [_cast(column, literal(column.arrow)) for column in columns]
    pending: list[str] = []
    length = 0
    for row in _rows(columns, writers, reader, rows):
        if pending and (len(pending) >= rows or length + len(row) > characters):
            yield len(pending), into + ", ".join(pending)
            pending, length = [], 0
        pending.append(row)
        length += len(row) + 2
    if pending:
        yield len(pending), into + ", ".join(pending)


def _rows(
    columns: list[Column], writers: list[Literal], reader: pa.RecordBatchReader, size: int
) -> Iterator[str]:
    for arrays in encoded_parts(columns, reader, size):
        values = [
            ["null" if value is None else write(value) for value in array.to_pylist()]
            for write, array in zip(writers, arrays)
        ]
        for row in zip(*values):
            yield f"({', '.join(row)})"


def _cast(column: Column, write: Literal) -> Literal:
    return (lambda value: column.cast(write(value))) if column.given else write


def iso(value: Any) -> str:
    """A date, a time or a wall clock, with a blank in the middle."""
    return (
        str(value.replace(tzinfo=None).isoformat(sep=" "))
        if hasattr(value, "hour") and hasattr(value, "year")
        else str(value.isoformat())
    )
