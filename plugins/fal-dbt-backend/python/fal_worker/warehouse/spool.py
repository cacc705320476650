"""Holds the batches of a result until the last one has come: in memory while they are few, else in
a temporary file.

Types may become wider from one batch to the next.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .interface import Reading

if TYPE_CHECKING:
    import pyarrow as pa

_IN_MEMORY = 32 << 20


class Spool:
    """Read once.

    In the file, there is one stream of Arrow for each run of batches of the same types."""

    def __init__(self, in_memory: int = _IN_MEMORY) -> None:
        self._kept: list[pa.RecordBatch] = []
        self._room = in_memory
        self._file: Any = None
        self._writer: Any = None
        self._schema: Any = None
        self._streams = 0

    def add(self, batch: pa.RecordBatch) -> None:
        self._room -= batch.nbytes
        if self._room >= 0 and self._file is None:
            self._kept.append(batch)
            return
        if self._writer is None or not self._schema.equals(batch.schema):
            self._begin(batch.schema)
        self._writer.write_batch(batch)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        while self._kept:
            yield self._kept.pop(0)
        if self._file is not None:
            self._writer.close()
            self._file.seek(0)
            for _ in range(self._streams):
                yield from pa.ipc.open_stream(self._file)
        self.close()

    def close(self) -> None:
        self._kept.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self, schema: pa.Schema) -> None:
        import pyarrow as pa

        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="fal-")  # noqa: SIM115
        if self._writer is not None:
            self._writer.close()
        self._schema, self._streams = schema, self._streams + 1
        self._writer = pa.ipc.new_stream(self._file, schema)


def whole(reader: pa.RecordBatchReader) -> Reading:
    """The same rows, all of them read: in memory, or in a temporary file if they are many."""
    import pyarrow as pa

    spool, rows = Spool(), 0
    try:
        for batch in reader:
            rows += batch.num_rows
            spool.add(batch)
    except BaseException:
        spool.close()
        raise
    return Reading(
        pa.RecordBatchReader.from_batches(reader.schema, iter(spool)), spool.close, rows=rows
    )
