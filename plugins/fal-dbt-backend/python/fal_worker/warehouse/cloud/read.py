"""Cloud warehouses: the Arrow that a client gives, batch by batch, as one stream of settled types.

Clients name the types of one result differently from batch to batch: Snowflake's integers are as
wide as the values of a batch. So the result goes through the spool of the general path: into memory
up to 32 MB, beyond that into a temporary file. When the first row is handed on, the warehouse has
done its part and the connection is free.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.warehouse.generic.encode import plain, simple
from fal_worker.warehouse.generic.read import reading
from fal_worker.warehouse.spool import Spool

if TYPE_CHECKING:
    import pyarrow as pa

    from fal_worker.warehouse.interface import Reading

    from .common import Connection

_BATCH_ROWS = 100_000


class Column:
    """One column of a result.

    `wider` is its type if a batch comes that `type` cannot hold; without `described`, batches say
    the type."""

    def __init__(
        self, name: str, described: pa.DataType | None, wider: pa.DataType | None = None
    ) -> None:
        self.name, self._described, self._wider = name, described, wider

    @property
    def type(self) -> pa.DataType:
        import pyarrow as pa

        return self._described if self._described is not None else pa.null()

    def add(self, array: pa.Array) -> pa.Array:
        import pyarrow as pa
        import pyarrow.types as t

        array = simple(array)
        if self._described is None or t.is_null(self._described):
            self._described = array.type
        try:
            return array if array.type.equals(self._described) else cast(array, self._described)
        except pa.ArrowInvalid:
            if self._wider is None:
                raise
            self._described, self._wider = self._wider, None
            return cast(array, self._described)

    def settled(self, array: pa.Array) -> pa.Array:
        return array if array.type.equals(self.type) else cast(array, self.type)


def cast(array: pa.Array, target: pa.DataType) -> pa.Array:
    import pyarrow.compute as pc

    return pc.cast(array, options=pc.CastOptions(target, allow_time_truncate=True))


def spooled(connection: Connection, columns: list[Column], tables: Iterable[Any]) -> Reading:
    """All of what the client gives, tables or batches.

    Columns are matched by position, not by name."""
    spool = Spool()
    try:
        for table in connection.each(tables):
            for batch in _batches(table):
                spool.add(_batch(columns, batch))
    except BaseException:
        spool.close()
        raise
    return reading(columns, spool)


def _batches(table: Any) -> Iterable[pa.RecordBatch]:
    import pyarrow as pa

    return table.to_batches(max_chunksize=_BATCH_ROWS) if isinstance(table, pa.Table) else (table,)


def _batch(columns: list[Column], batch: pa.RecordBatch) -> pa.RecordBatch:
    import pyarrow as pa

    arrays = []
    for column, array in zip(columns, batch.columns):
        try:
            arrays.append(column.add(array))
        except (pa.ArrowException, ValueError) as error:
            help = f"Cast it in SQL, for example to text: {column.name}"
            raise SessionError(
                "gateway::value",
                f"The column `{column.name}` holds a value that {column.type} cannot: {error}",
                help,
            ) from None
    return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns])


def from_schema(schema: pa.Schema) -> list[Column]:
    """As the client's own schema has them, for the few types that are no one's business: instants
    in UTC, dictionaries as values."""
    import pyarrow as pa
    import pyarrow.types as t

    def settled_type(type: pa.DataType) -> pa.DataType:
        type = plain(type)
        if t.is_timestamp(type):
            return pa.timestamp("us", type.tz and "UTC")
        return pa.time64("us") if t.is_time(type) else type

    return [Column(field.name, settled_type(field.type)) for field in schema]
