"""What the gateway needs of a warehouse. One file of this package for each adapter that has a native path."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from fal_worker.project.readable import Readable

    from .column_rules import ColumnRules

# dbt's adapter type to the module that serves it.
_NATIVE = ("duckdb", "postgres", "snowflake", "bigquery", "databricks", "redshift", "trino")
_MODULES = {
    name: (
        f"fal_worker.warehouse.{name}.warehouse"
        if name in ("duckdb", "postgres")
        else f"fal_worker.warehouse.cloud.{name}"
    )
    for name in _NATIVE
}
_GENERIC = "fal_worker.warehouse.generic.warehouse"


# Gets a connection as dbt's adapter has them, in the write's transaction, and whether the table is a new one.
Finish = Callable[[Any, bool], None]


class Borrowed:
    """A connection of an adapter whose transaction and end are not dbt's affair."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handle, name)

    def commit(self) -> None:
        pass

    def rollback(self) -> None:
        pass

    def close(self) -> None:
        pass


class Place(Enum):
    """Whose table is written, which says what may become of views and rights that hang on it."""

    # A model by itself: replaced as dbt replaces a table.
    MODEL = "model"
    # A model by a script: its rows are replaced if the columns are the same, else the table.
    OF_A_MODEL = "of a model"
    # A source by a script: the same, but nothing that hangs on it is ever dropped.
    SOURCE = "source"


@dataclass(frozen=True)
class Reading:
    """A stream of a query's result. `close` must be called when it is over, from any thread."""

    reader: pa.RecordBatchReader
    close: Callable[[], None]
    # Whether the types are those of the columns, whatever the values are.
    typed: bool = False
    # How many rows there are, where all of them have been read already.
    rows: int | None = None


class PendingWrite(Protocol):
    """A table written inside a transaction that is still open."""

    rows: int
    # What reads as the table will be once this is committed, for `read` only, and the name by which a statement shows that it does.
    relation: Any
    identifier: str

    def commit(self, finish: Finish | None = None) -> bool:
        """Puts the table in its place, calls `finish`, and ends the transaction; whether the table is a new one."""
        ...

    def rollback(self) -> None: ...

    def read(self, sql: str, *checked: Readable) -> Reading:
        """Runs SQL that reads `relation`. The result is whole when this returns, so that the write may end while it is streamed."""
        ...


class Warehouse(Protocol):
    """Native paths of one adapter. Called from many threads at once.

    One with `takes_native_rows = True` also has `write_native(connection, code, reader) -> int`: it streams into the relation
    that dbt's compiled code of a Python model names, on dbt's own connection, for dbt's own materialization.

    One with `checks_leased = True` takes a `leased.Readable` as a second argument of `read`, and so do its writes; then it runs one SELECT
    of those relations and nothing else."""

    # Checked ahead of every write.
    column_rules: ColumnRules

    def read(self, sql: str, *checked: Readable) -> Reading:
        """Runs SQL and streams its result; SQL without a result gives an empty stream without columns."""
        ...

    def begin_write(
        self,
        relation: Any,
        reader: pa.RecordBatchReader,
        mode: str = "overwrite",
        types: dict[str, str] | None = None,
        place: Place = Place.MODEL,
    ) -> PendingWrite:
        """Streams into a table that replaces `relation` (table or view) when committed, or with mode `append` into the
        table that is there. Columns in `types` are cast. `place` counts where something may hang on a table that is replaced."""
        ...

    def cancel(self) -> None:
        """Interrupts all reads and writes."""
        ...


def for_adapter(adapter: Any) -> Warehouse:
    """The native path of an adapter, else the one over the adapter's own connections."""
    module = _MODULES.get(adapter.type(), _GENERIC)
    if os.environ.get(
        "FAL_TEST_GENERIC"
    ):  # so that tests can hold it against what has a native path
        module = _GENERIC
    warehouse: Warehouse = import_module(module).open_warehouse(adapter)
    return warehouse
