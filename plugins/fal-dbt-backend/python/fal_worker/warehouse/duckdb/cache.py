"""Keeps DuckDB's block cache small while a job streams.

DuckDB keeps the blocks that a stream reads and writes until it reaches `memory_limit`, by default
most of the machine's memory, so a session would grow with the data. It has no call that drops
blocks, but it drops them when the limit is set below what is in use. So the limit is lowered for a
moment and reset at once. The blocks that go are in the file anyway.

A query that needs memory in that moment would fail. So the limit is lowered only while nothing runs
but streams (`ACTIVITY` is idle, and all open reads are plain scans), and never if the user chose a
limit.

Writes arrive as batches of one row group each: DuckDB writes such a batch at once, but collects
smaller ones first, which takes ten times the memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import duckdb

from fal_worker.warehouse.activity import ACTIVITY

if TYPE_CHECKING:
    import pyarrow as pa

    from .warehouse import DuckDB

# Bytes of blocks, beyond those that were there before the stream: when they are too many, and how
# many stay.
MOST = 128 << 20
KEPT = 64 << 20
# Operators that hold a few rows at a time.
_PLAIN = {"SEQ_SCAN", "TABLE_SCAN", "PROJECTION", "FILTER", "LIMIT", "STREAMING_LIMIT"}
_USED = """select current_setting('memory_limit'), sum(memory_usage_bytes),
           coalesce(sum(memory_usage_bytes) filter (tag = 'BASE_TABLE'), 0) from duckdb_memory()"""


class BlockCache:
    """Trims the cache while one stream runs.

    Nothing here raises: if trimming does not work, DuckDB uses memory as it likes."""

    def __init__(self, warehouse: DuckDB, cursor: Any) -> None:
        self._warehouse = warehouse
        self._cursor = cursor.cursor()
        used = self._used()
        self._before = used[2] if used is not None else 0
        self._works = used is not None

    def trim(self) -> None:
        """Drops blocks if this stream has caused too many. Called before each row group."""
        used = self._used() if self._works else None
        if used is None or used[2] <= self._before + MOST:
            return
        if used[0] != _default_limit():
            self._works = False
            return
        for reading in self._warehouse.readings():
            reading.look(self._cursor)
        with ACTIVITY.idle() as quiet, self._warehouse.only_streams() as plain:
            # Read again under the locks: a query that has just ended may have set a limit.
            now = self._used() if quiet and plain else None
            if now is not None and now[0] == used[0]:
                self._drop(now[1] - now[2] + self._before + KEPT)

    def close(self) -> None:
        self._cursor.close()

    def _drop(self, limit: int) -> None:
        try:
            # One call sets and resets the limit, so no other thread of Python can run in between.
            self._cursor.execute(f"set memory_limit = '{limit}B'; reset memory_limit")
        except (
            duckdb.Error
        ):  # too little can be dropped; the limit was not changed, but for certain
            self._works = False
            self._cursor.execute("reset memory_limit")

    def _used(self) -> tuple[str, int, int] | None:
        try:
            limit, total, blocks = self._cursor.execute(_USED).fetchall()[0]
        except duckdb.Error:
            return None
        return str(limit), int(total), int(blocks)


def is_plain(cursor: Any, sql: str) -> bool:
    """Whether a query only scans tables, so that it holds a few rows at a time."""
    try:
        if len(duckdb.extract_statements(sql)) != 1:
            return False
        [plan] = json.loads(cursor.execute(f"explain (format json) {sql}").fetchall()[0][1])
        return all(name in _PLAIN for name in _operators(plan))
    except (duckdb.Error, ValueError, LookupError, TypeError):
        return False


def _operators(plan: dict[str, Any]) -> Iterator[str]:
    yield plan["name"].strip()
    for child in plan["children"]:
        yield from _operators(child)


_limits: list[str] = []


def _default_limit() -> str:
    """The limit of an instance that has no configuration."""
    if not _limits:
        with duckdb.connect(":memory:") as fresh:
            _limits.extend(fresh.execute("select current_setting('memory_limit')").fetchall()[0])
    return _limits[0]


_ROWS = 122_880
# Of wide rows fewer will do.
_BYTES = 32 << 20


def row_groups(
    reader: pa.RecordBatchReader, before_each: Callable[[], None]
) -> pa.RecordBatchReader:
    """The same rows in batches of a row group. Calls `before_each` before it reads one."""
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
        joined: list[pa.RecordBatch] = pa.Table.from_batches(batches).combine_chunks().to_batches()
        return joined
    except (
        pa.ArrowInvalid,
        pa.ArrowNotImplementedError,
    ):  # types that Arrow cannot join, and texts of too many bytes
        return batches
