"""DuckDB: a stream in batches of a row group each. DuckDB writes such a batch as it comes; it collects smaller ones first, in
the order of the stream and ten times as many in memory, and copies them together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 122_880
# Of wide rows fewer will do.
_BYTES = 32 << 20


def row_groups(
    reader: pa.RecordBatchReader, before_each: Callable[[], None]
) -> pa.RecordBatchReader:
    """The same rows. `before_each` is called before a row group is read."""
    import pyarrow as pa

    def batches() -> Iterator[pa.RecordBatch]:
        kept: list[pa.RecordBatch] = []
        rows = size = 0
        before_each()
        for batch in reader:
            kept.append(batch)
            rows, size = rows + batch.num_rows, size + batch.nbytes
            if rows >= _ROWS or size >= _BYTES:
                yield from _joined(kept)
                kept, rows, size = [], 0, 0
                before_each()
        yield from _joined(kept)

    return pa.RecordBatchReader.from_batches(reader.schema, batches())


def _joined(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    import pyarrow as pa

    if len(batches) < 2:
        return batches
    try:
        return pa.Table.from_batches(batches).combine_chunks().to_batches()
    except (
        pa.ArrowInvalid,
        pa.ArrowNotImplementedError,
    ):  # types that Arrow cannot join, and texts of too many bytes
        return batches
