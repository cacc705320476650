"""BigQuery: results through the storage API, rows by load jobs of Parquet files.

Nothing of this was run against a real project.

- Reading: `to_arrow_iterable`, over the storage API where google-cloud-bigquery-storage is
  installed and the user may use it, else page by page. JSON, GEOGRAPHY, INTERVAL and RANGE are text
  or what the client gives for them.
- Writing: each file is a load job with its own id, so that one that is sent twice loads once;
  then one `create or replace table` with partitions, clusters, labels and the like from the model's
  configuration. Structs and lists of simple values become STRUCT and ARRAY; an ARRAY cannot be
  NULL, so a list that is becomes an empty one. Maps and lists of lists become text, as JSON.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.warehouse.dtypes import INTEGERS
from fal_worker.warehouse.generic.encode import plain
from fal_worker.warehouse.generic.read import nothing

from . import common as cloud
from . import write as cloud_write
from .loading import Files
from .read import Column as Read
from .read import spooled
from .types import Words, columns, dtype_types, scalar

if TYPE_CHECKING:
    import pyarrow as pa

    from fal_worker.warehouse.generic.tables import Tables
    from fal_worker.warehouse.interface import Finish, Reading

    from .types import Column


def _decimal(precision: int, scale: int) -> str | None:
    if scale <= 9 and precision - scale <= 29:
        return f"numeric({precision}, {scale})"
    return f"bignumeric({precision}, {scale})" if scale <= 38 and precision - scale <= 38 else None


def _nested(type: Any) -> str | None:
    """STRUCT and ARRAY, if all that is in them can be so too."""
    import pyarrow.types as t

    if t.is_struct(type):
        parts = [(field.name, _part(field.type)) for field in type]
        if not parts or any(sql is None for _, sql in parts):
            return None
        return f"struct<{', '.join(f'`{name}` {sql}' for name, sql in parts)}>"
    if t.is_map(type) or t.is_union(type):
        return None
    item = _part(type.value_type)
    # An array directly within an array is not allowed.
    return None if item is None or item.startswith("array<") else f"array<{item}>"


def _part(type: Any) -> str | None:
    import pyarrow.types as t

    type = plain(type)
    return _nested(type) if t.is_nested(type) else scalar("", type, WORDS)[0]


WORDS = Words(
    "BigQuery",
    boolean="bool",
    integer="int64",
    double="float64",
    text="string",
    binary="bytes",
    timestamp="datetime",
    zoned="timestamp",
    decimal=_decimal,
    widest=lambda scale: 38 + scale if scale <= 38 else None,
    nested=_nested,
    parse={"json": "parse_json({})"},
)


def fields(columns: list[Column]) -> list[Any]:
    """The schema of a load job, with the names that the columns have in files."""
    return [_field(f"c{index}", column.arrow, column.sql) for index, column in enumerate(columns)]


def _field(name: str, type: Any, sql: str) -> Any:
    import pyarrow.types as t
    from google.cloud.bigquery import SchemaField

    if t.is_struct(type):
        return SchemaField(
            name, "RECORD", fields=[_field(f.name, f.type, _part(f.type) or "") for f in type]
        )
    if t.is_nested(type):
        item = _field(name, type.value_type, _part(type.value_type) or "")
        more = {} if item.precision is None else {"precision": item.precision, "scale": item.scale}
        return SchemaField(name, item.field_type, mode="REPEATED", fields=item.fields, **more)
    word, *digits = re.findall(r"\w+", sql)
    return SchemaField(name, word.upper(), **dict(zip(("precision", "scale"), map(int, digits))))


def check_lists(columns: list[Column], reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """The stream as it is; BigQuery stores no NULL in an array, and would only say so of a whole
    file."""
    import pyarrow.types as t

    for batch in reader:
        for column, array in zip(columns, batch.columns):
            if t.is_nested(column.arrow) and _null_in_list(array):
                message = f"The column `{column.name}` has a list with a NULL in it, which BigQuery's arrays cannot hold"
                raise SessionError(
                    "gateway::value", message, "Remove it, or write the column as text."
                )
        yield batch


def _null_in_list(array: pa.Array) -> bool:
    import pyarrow.compute as pc
    import pyarrow.types as t

    if t.is_struct(array.type):
        return any(_null_in_list(part) for part in array.flatten())
    if not t.is_nested(array.type):
        return False
    items = pc.list_flatten(array)
    return items.null_count > 0 or _null_in_list(items)


def result_columns(schema: Any) -> list[Read]:
    """The columns of a result. What is not known here has the type that its rows come with."""
    return [Read(field.name, _result_type(field)) for field in schema]


def _result_type(field: Any) -> Any:
    import pyarrow as pa

    if (field.mode or "").upper() == "REPEATED":
        item = _item_type(field)
        return None if item is None else pa.list_(item)
    return _item_type(field)


def _item_type(field: Any) -> Any:
    import pyarrow as pa

    kind = field.field_type.upper()
    if kind in ("RECORD", "STRUCT"):
        parts = [(part.name, _result_type(part)) for part in field.fields]
        return None if any(type is None for _, type in parts) else pa.struct(parts)
    types = {
        "BOOL": pa.bool_(), "INT64": pa.int64(), "FLOAT64": pa.float64(), "STRING": pa.string(), "BYTES": pa.binary(),
        "DATE": pa.date32(), "TIME": pa.time64("us"), "DATETIME": pa.timestamp("us"), "TIMESTAMP": pa.timestamp("us", "UTC"),
        "NUMERIC": pa.decimal128(38, 9), "BIGNUMERIC": pa.decimal256(76, 38), "JSON": pa.string(), "GEOGRAPHY": pa.string(),
    }  # fmt: skip
    same = {"BOOLEAN": "BOOL", "INTEGER": "INT64", "FLOAT": "FLOAT64"}
    return types.get(same.get(kind, kind))


# What a killed process leaves behind goes by itself, as dbt's own temporary tables do.
_EXPIRES = "options (expiration_timestamp = timestamp_add(current_timestamp(), interval 12 hour))"


class Connection(cloud.Connection):
    """dbt-bigquery has a client of Google's where others have a connection, and jobs where others
    have cursors."""

    def __init__(self, adapter: Any) -> None:
        super().__init__(adapter)
        self._lock = threading.Lock()
        self._jobs: list[Any] = []

    def run(self, sql: str, bindings: list[Any] | None = None) -> Any:
        """Runs a statement or a script; gives the iterator over its rows."""
        self.check()
        with self.failures():
            return self.adapter.connections.raw_execute(
                self.adapter.connections._add_query_comment(sql)
            )[1]

    def begin(self) -> None:
        pass

    def commit(self) -> None:
        pass

    def wait(self, job: Any) -> Any:
        """Waits for one of our jobs to end."""
        with self._lock:
            self._jobs.append(job)
        self.check()
        return self.direct(job.result)

    def interrupt(self) -> None:
        """Cancels our own jobs and the last one that dbt began on our thread, whether or not they
        have ended."""
        manager = self.adapter.connections
        with self._lock:
            jobs = list(self._jobs)
        for job in jobs:
            with contextlib.suppress(Exception):
                job.cancel()
        with manager.lock:
            threads = [
                thread
                for thread, connection in manager.thread_connections.items()
                if connection is self.own
            ]
        for thread in threads:
            for id in list(manager.jobs_by_thread.get(thread, []))[-1:]:
                self.handle.cancel_job(id)


class Write(cloud_write.Write):
    overwrite = "begin transaction; truncate table {table}; insert into {table} ({names}) {select}; commit transaction;"

    def __init__(self, writer: Any, relation: Any, schema: pa.Schema, *how: Any) -> None:
        super().__init__(writer, relation, schema, *how)
        # Those of the stage, whatever the user wants them cast to.
        self._loaded = columns(schema, WORDS, {})

    def select(self, tables: Tables) -> str:
        # In the stage the columns have the names of the files.
        values = [
            column.cast(f"c{i}") if column.given else f"c{i}"
            for i, column in enumerate(self.columns)
        ]
        return f"select {', '.join(f'{value} as {name}' for value, name in zip(values, self.names))} from {tables.stage}"

    def make_stage(self, connection: Any, tables: Tables) -> None:
        definition = ", ".join(
            f"c{index} {column.sql}" for index, column in enumerate(self._loaded)
        )
        connection.run(f"create or replace table {tables.stage} ({definition}) {_EXPIRES}")

    def load(self, connection: Any, tables: Tables, reader: pa.RecordBatchReader) -> None:
        files = Files(self._loaded, check_lists(self._loaded, reader))
        with files.opened() as paths:
            for path in paths:
                connection.wait(
                    connection.direct(partial(self._begin, connection, tables.stage, path))
                )
        self.rows = files.rows

    def must_drop(self, there: Any, sql: str, finish: Finish | None) -> bool:
        if super().must_drop(there, sql, finish):
            return True
        config = getattr(finish, "config", None) or {}
        partition = self._adapter.parse_partition_by(config.get("partition_by"))
        # BigQuery replaces no table by one with other partitions.
        return not self._adapter.is_replaceable(there, partition, config.get("cluster_by"))

    def alike(self, tables: Tables, there: Any) -> bool:
        if str(there.type) != "table" or any(column.given for column in self.columns):
            return False
        old, new = (self._adapter.get_columns_in_relation(each) for each in (there, tables.stage))
        named = [(name, column.dtype) for name, column in zip(self._schema.names, new)]
        return [(column.name, column.dtype) for column in old] == named

    def _begin(self, connection: Any, stage: Any, path: str) -> Any:
        from google.cloud import bigquery

        options = bigquery.format_options.ParquetOptions()
        options.enable_list_inference = True
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.PARQUET,
            write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
            create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
            schema=fields(self._loaded),
            parquet_options=options,
        )
        table = connection.adapter.connections.table_ref(
            stage.database, stage.schema, stage.identifier
        )
        id = connection.adapter.connections.generate_job_id()
        with open(path, "rb") as file:
            return connection.handle.load_table_from_file(file, table, job_config=config, job_id=id)


class BigQuery(cloud.Cloud):
    words = WORDS
    connection = Connection
    write = Write

    def read_on(self, connection: Any, sql: str) -> Reading:
        if not sql.strip():
            return nothing()
        rows = connection.run(sql)
        if not rows.schema:
            return nothing()
        with _storage(connection) as storage:
            return spooled(connection, result_columns(rows.schema), _batches(rows, storage))


@contextlib.contextmanager
def _storage(connection: Any) -> Iterator[Any]:
    """A client of the storage API, `None` where it is not installed."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        storage = connection.direct(connection.handle._ensure_bqstorage_client)
    try:
        yield storage
    finally:
        if storage is not None:
            storage.transport.close()


def _batches(rows: Any, storage: Any) -> Iterator[Any]:
    """The batches of a result. A result without rows may come as one batch without columns, or as
    none.
    """
    from google.api_core.exceptions import Forbidden

    begun = False
    try:
        for batch in rows.to_arrow_iterable(bqstorage_client=storage):
            begun = True
            if batch.num_columns:
                yield batch
    except Forbidden:
        # A user who may read a table may lack the right to use the storage API.
        if begun or storage is None:
            raise
        yield from _batches(rows, None)


FACTS = cloud.facts(
    BigQuery,
    dtype_types(
        WORDS,
        json="JSON",
        uuid="STRING",
        float="FLOAT64",
        text="STRING",
        decimal=("BIGNUMERIC", "BIGNUMERIC"),
        array="ARRAY<{}>",
        REAL="FLOAT64",
        **dict.fromkeys(INTEGERS, "INT64"),
    ),
)
