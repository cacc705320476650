"""The gateway's client of a job whose runner has a store.

Tables go from one node to the next through the store, where their rows are the same as the
gateway's.
"""

from __future__ import annotations

import base64
import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from fal_worker.job.client import GatewayClient


def as_read(table: Any, schema: Any) -> Any:
    """Returns `table` in exactly this schema; `None` if more than the layout differs."""
    import pyarrow as pa

    if table.schema.names != schema.names or not all(
        _same(have.type, want.type) for have, want in zip(table.schema, schema)
    ):
        return None
    try:
        columns = [column.cast(field.type) for column, field in zip(table.columns, schema)]
        return pa.table(columns, schema=schema)
    except pa.ArrowException:
        return None


def _same(have: Any, want: Any) -> bool:
    """Whether a safe cast from one to the other keeps every value, or fails."""
    from pyarrow import types as t

    if have == want or t.is_null(have):
        return True
    if t.is_dictionary(have):
        return not t.is_dictionary(want) and _same(have.value_type, want)
    if t.is_timestamp(have) and t.is_timestamp(want):
        return (have.tz is None) == (want.tz is None)
    if t.is_floating(have) and t.is_floating(want):
        return bool(have.bit_width <= want.bit_width)
    if _is_list(have) and _is_list(want):
        return _same(have.value_type, want.value_type)
    kinds = (t.is_integer, _is_text, _is_bytes, t.is_decimal, t.is_date, t.is_time)
    return any(kind(have) and kind(want) for kind in kinds)


def _is_text(kind: Any) -> bool:
    from pyarrow import types as t

    return bool(t.is_string(kind) or t.is_large_string(kind))


def _is_bytes(kind: Any) -> bool:
    from pyarrow import types as t

    return bool(t.is_binary(kind) or t.is_large_binary(kind))


def _is_list(kind: Any) -> bool:
    from pyarrow import types as t

    return bool(t.is_list(kind) or t.is_large_list(kind))


# A larger table is not kept for the store while it is being written.
_LARGEST = 1 << 30
# The arguments that make a read a partial one.
_PARTS = ("columns", "where", "limit")


class Stored(GatewayClient):
    """The gateway's client of one job in this process."""

    def __init__(self, request: Any, lease: dict[str, Any], store: Any) -> None:
        super().__init__(request.location, request.token, request.certificate, request.server_name)
        self._store, self._unique_id = store, request.unique_id
        self._inputs = {entry["unique_id"] for entry in lease.get("inputs") or []}
        self._keeps = bool(lease.get("output_is_rows"))
        self._written: Any = None

    def read(self, **command: Any) -> Any:
        table = self._from_store(command)
        return super().read(**command) if table is None else table.to_reader()

    def read_table(self, **command: Any) -> Any:
        table = self._from_store(command)
        return super().read_table(**command) if table is None else table

    def write(self, batches: Any, final: bool = False, **command: Any) -> None:
        if not self._keeps or not _is_whole(command):
            super().write(batches, final, **command)
            return
        kept = _Kept(batches)
        super().write(kept.reader(), final, **command)
        self._written = kept.table()

    def hand_on(self) -> None:
        """Puts the written table into the store, after the node has succeeded."""
        if self._written is not None:
            self._tell("put", lambda: self._store.put(self._unique_id, self._written))

    def _from_store(self, command: dict[str, Any]) -> Any:
        """The rows that this read would give, if the store has them."""
        if command.get("op") not in ("ref", "relation") or any(
            command.get(name) is not None for name in _PARTS
        ):
            return None
        # The gateway's checks are those of a read.
        said = self.ask("job_input", **command)
        unique_id, schema = said["unique_id"], said["schema"]
        if unique_id not in self._inputs or schema is None:
            return None
        table = self._tell("get", lambda: self._store.get(unique_id))
        return None if table is None else as_read(table, _schema(schema))

    def _tell(self, what: str, work: Any) -> Any:
        """Reports a failure of the store; the node then runs without it, only slower."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - the store is the runner's code
            print(
                f"fal: the runner's store failed in `{what}`: {type(error).__name__}: {error}",
                file=sys.stderr,
            )
            return None


def _is_whole(command: dict[str, Any]) -> bool:
    """Whether a write makes the node's relation from these rows alone, without casts to other
    types.
    """
    if command.get("op") == "write_relation":
        return True
    return (
        command.get("op") == "write_to_model"
        and command.get("mode") in (None, "overwrite")
        and not command.get("dtype")
    )


class _Kept:
    """Copies of batches that pass by, as long as they are not too many.

    A frame shares its memory with the batches made of it, and the model may change it after the
    write.
    """

    def __init__(self, batches: Any) -> None:
        import pyarrow as pa

        self._source, self._room = batches, _LARGEST
        self._copy: Any = pa.BufferOutputStream()
        self._writer: Any = pa.ipc.new_stream(self._copy, batches.schema)

    def reader(self) -> Any:
        import pyarrow as pa

        return pa.RecordBatchReader.from_batches(self._source.schema, self._passing())

    def table(self) -> Any:
        import pyarrow as pa

        if self._copy is None:
            return None
        self._writer.close()
        return pa.ipc.open_stream(self._copy.getvalue()).read_all()

    def _passing(self) -> Iterator[Any]:
        for batch in self._source:
            self._keep(batch)
            yield batch

    def _keep(self, batch: Any) -> None:
        import pyarrow as pa

        if self._copy is None:
            return
        self._room -= batch.nbytes
        with contextlib.suppress(pa.ArrowException):  # the gateway reports the error
            if self._room >= 0:
                self._writer.write_batch(batch)
                return
        self._writer = self._copy = None


def _schema(text: str) -> Any:
    import pyarrow as pa

    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))
