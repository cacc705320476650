"""What fal asks of a warehouse, and the facts that it must know about one.

Each warehouse is a folder, or a module of `cloud/`, named after dbt's adapter type. Its `FACTS`
hold everything particular about it, so no other module knows its name; `registry.py` finds them.
Packages outside of fal add warehouses in the same form: docs/plugins/warehouses.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from .dtypes import SqlTypes, looks_like_type

if TYPE_CHECKING:
    import pyarrow as pa

    from fal_worker.project.readable import Readable

    from .column_rules import ColumnRules

# What runs dbt's macros for a new table. Called in the write's transaction, with a connection as
# dbt's adapter has them, and with whether the table is a new one.
Finish = Callable[[Any, bool], None]


class Borrowed:
    """A connection lent to dbt's macros: they may use it, but its owner ends the transaction."""

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
    """Whose table is written.

    It decides what may happen to views and rights that depend on the table."""

    # A model writes its own table: replaced as dbt replaces a table.
    MODEL = "model"
    # A script writes a model's table: only the rows change if the columns are the same.
    OF_A_MODEL = "of a model"
    # A script writes a source: the same, but nothing that depends on the table is ever dropped.
    SOURCE = "source"


@dataclass(frozen=True)
class Reading:
    """A stream of a query's result. The reader calls `close` when it is done, from any thread."""

    reader: pa.RecordBatchReader
    close: Callable[[], None]
    # Whether the types come from the columns, whatever the values are.
    typed: bool = False
    # How many rows there are, if all of them have been read already.
    rows: int | None = None


class PendingWrite(Protocol):
    """A table that was written, and waits for the model to end."""

    # How many rows were written.
    rows: int

    @property
    def relation(self) -> Any:
        """What reads as the table will when this is committed; for `read` only."""

    @property
    def identifier(self) -> str:
        """The name by which a statement shows that it reads `relation`."""

    def commit(self, finish: Finish | None = None) -> bool:
        """Puts the table in its place, calls `finish`, and commits. Returns whether the table is
        new.

        Raises `SessionError`, and leaves the old table as it was, if any of that fails."""

    def rollback(self) -> None:
        """Drops what was written. Never raises."""

    def read(self, sql: str, readable: Readable | None = None) -> Reading:
        """Runs one statement that reads `relation`.

        The result is complete when this returns, so the write may end while it is streamed."""


class Warehouse(Protocol):
    """Reads and writes through one dbt adapter. Called from many threads at once.

    Rows are streams of Arrow in both directions. Errors that a user must read are `SessionError`s.
    """

    # Checked before every write.
    column_rules: ColumnRules

    def read(self, sql: str, readable: Readable | None = None) -> Reading:
        """Runs SQL and streams the result of the last statement; what it changed is committed.

        SQL without a result gives an empty stream without columns. `readable` is given only where
        the facts have `checks_leased`: then only one SELECT of those relations may run."""

    def begin_write(
        self,
        relation: Any,
        reader: pa.RecordBatchReader,
        mode: str = "overwrite",
        types: dict[str, str] | None = None,
        place: Place = Place.MODEL,
    ) -> PendingWrite:
        """Writes all rows of `reader`, and leaves the table of that name as it is until `commit`.

        `relation` is dbt's. With mode `append` the rows go into the table that exists, if one does.
        Columns in `types` are cast to those SQL types. A value that the warehouse cannot store
        unchanged is a `SessionError` that names its column. If this raises, nothing is left to
        undo."""

    def only_read(self) -> None:
        """Makes SQL that would change something an error, as far as the warehouse can tell."""

    def cancel(self) -> None:
        """Interrupts all reads and writes, from another thread."""


@dataclass(frozen=True)
class Dialect:
    """What the general path must know to write statements; dbt's adapters do not say it."""

    binary: str = "blob"
    # `None`: the adapter's type of timestamps is one of instants already.
    zoned: str | None = "timestamp with time zone"
    # How many parameters one statement may have.
    parameters: int = 30_000
    # Dates, times, decimals and booleans are bound as text and numbers.
    plain_values: bool = False
    # A table is made again under its own name, since views would follow a renamed one.
    in_place: bool = False
    # Everything that is not committed can be rolled back, `create` and `drop` included.
    transactions: bool = False
    # A writer locks out all others, which give up after a while.
    one_writer: bool = False
    # Columns whose names differ in letter case only cannot be in one table.
    folds_case: bool = True


@dataclass(frozen=True)
class Facts:
    """Everything particular about one warehouse that fal needs outside of its folder."""

    # Opens the warehouse for an adapter of dbt.
    open: Callable[[Any], Warehouse]
    # Names of types for `dtype=`; without them it takes types as SQL text only.
    types: SqlTypes | None = None
    # Whether a text is one type and nothing more, since it becomes part of statements.
    is_type: Callable[[str], bool] = looks_like_type
    # How the general path writes its statements.
    dialect: Dialect = Dialect()
    # Dicts become structs; in other warehouses they become JSON.
    has_structs: bool = False
    # A write makes the table with what the model configures for it (partitions, sort keys, labels).
    applies_config: bool = False
    # dbt's incremental models without a unique key append by default.
    appends_by_default: bool = False
    # Names of relations are compared without the case of ASCII letters.
    folds_names: bool = False
    # dbt's own Python materialization runs in the session. The warehouse then has a method
    # `write_native(connection, code, reader) -> int`, which streams into the relation that the
    # compiled code of a model names, on dbt's own connection, and returns the number of rows.
    takes_native_rows: bool = False
    # `read` can check what SQL of a leased job would do.
    checks_leased: bool = False
