"""Cloud warehouses: a stream as Parquet files, one after the other, each of them gone before the
next one is made.

Their columns are called c0, c1, ... whatever the frame's are, so that no name has to be quoted in a
file.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .types import encoded_parts

if TYPE_CHECKING:
    import pyarrow as pa

    from .types import Column


# Warehouses load files of about this size best, several at once.
_FILE_BYTES = 64 << 20
_BATCH_ROWS = 100_000


class Files:
    """Parquet files of a stream; `rows` counts those that were written."""

    def __init__(
        self, columns: list[Column], reader: pa.RecordBatchReader, most: int = _FILE_BYTES
    ) -> None:
        self._columns, self._reader, self._most = columns, reader, most
        self.rows = 0

    @contextlib.contextmanager
    def opened(self) -> Iterator[Iterator[str]]:
        """Gives paths.

        A file is there until the next one is asked for, and the folder goes at the end, whatever
        happens."""
        with tempfile.TemporaryDirectory(prefix="fal-") as folder:
            yield self._paths(folder)

    def _paths(self, folder: str) -> Iterator[str]:
        import pyarrow as pa

        schema = pa.schema(
            [pa.field(f"c{index}", column.arrow) for index, column in enumerate(self._columns)]
        )
        batches = self._batches(schema)
        number, first = 0, next(batches, None)
        while first is not None:
            path = os.path.join(folder, f"{number}.parquet")
            first = self._write(path, schema, first, batches)
            yield path
            os.unlink(path)
            number += 1

    def _write(
        self, path: str, schema: pa.Schema, first: pa.RecordBatch, batches: Iterator[pa.RecordBatch]
    ) -> pa.RecordBatch | None:
        """Writes until the file is large enough; gives the batch that did not fit."""
        import pyarrow.parquet as pq

        batch: pa.RecordBatch | None = first
        # Timestamps in microseconds are what every reader knows; the type annotations tell instants
        # from wall clocks.
        with (
            open(path, "wb") as file,
            pq.ParquetWriter(file, schema, compression="snappy", version="2.6") as writer,
        ):
            while batch is not None and file.tell() < self._most:
                writer.write_batch(batch)
                self.rows += batch.num_rows
                batch = next(batches, None)
        return batch

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for arrays in encoded_parts(self._columns, self._reader, _BATCH_ROWS):
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)


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
