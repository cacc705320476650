"""What the gateway needs of a warehouse. One file of this package for each adapter that has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from fal_worker.session.errors import SessionError

if TYPE_CHECKING:
    import pyarrow as pa

# dbt's adapter type to the module that serves it.
_MODULES = {"duckdb": "fal_worker.gateway.duckdb", "postgres": "fal_worker.gateway.postgres"}


@dataclass(frozen=True)
class Reading:
    """A stream of a query's result. `close` must be called when it is over, from any thread."""

    reader: pa.RecordBatchReader
    close: Callable[[], None]


class PendingWrite(Protocol):
    """A table written inside a transaction that is still open."""

    rows: int

    def commit(self) -> None: ...

    def rollback(self) -> None: ...


class Warehouse(Protocol):
    """Native paths of one adapter. Called from many threads at once."""

    def read(self, sql: str) -> Reading:
        """Runs SQL and streams its result; SQL without a result gives an empty stream without columns."""
        ...

    def begin_write(
        self, relation: Any, schema: pa.Schema, reader: pa.RecordBatchReader, mode: str = "overwrite", types: dict[str, str] | None = None
    ) -> PendingWrite:
        """Streams into a table that replaces `relation` (table or view) when committed, or with mode `append` into the
        table that is there. Columns in `types` are cast."""
        ...

    def write_native(self, connection: Any, code: str, reader: pa.RecordBatchReader) -> int:
        """Streams into the relation that a native Python model's compiled code names, on dbt's own connection."""
        ...

    def cancel(self) -> None:
        """Interrupts all reads and writes."""
        ...


def for_adapter(adapter: Any) -> Warehouse:
    kind = adapter.type()
    if kind not in _MODULES:
        raise SessionError(
            "gateway::adapter",
            f"Python models cannot read or write through the dbt adapter `{kind}` yet",
            f"Adapters that can: {', '.join(sorted(_MODULES))}.",
        )
    warehouse: Warehouse = import_module(_MODULES[kind]).open_warehouse(adapter)
    return warehouse
