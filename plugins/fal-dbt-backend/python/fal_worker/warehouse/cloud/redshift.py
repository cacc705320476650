"""Redshift: rows in pages of a server-side cursor, and back as parameters in one transaction, or by
COPY from S3 where that is set up.

Nothing of this was run against a real cluster. Its client has no Arrow, and reads the whole of a
result before it gives the first row.

- Reading: what begins with SELECT or WITH is declared as a cursor, of which pages are fetched; all
  else runs as it is.
- Writing: every value goes as text with a cast to the column's type, since a parameter's own type
  would not say how many digits a decimal has. With the variables `fal_s3_staging`
  (s3://bucket/folder) and `fal_iam_role`, the rows go through Parquet files and COPY, if there are
  only types that COPY takes from Parquet.
- The table takes its place by renaming, in one transaction with grants and comments; with the
  model's `dist` and `sort`.
"""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.warehouse.generic.read import nothing, rows
from fal_worker.warehouse.interface import Place

from . import common as cloud
from . import write as cloud_write
from .common import variable
from .loading import Files, iso
from .types import Words, dtype_types, encoded_parts

if TYPE_CHECKING:
    import pyarrow as pa

    from fal_worker.warehouse.generic.tables import Tables
    from fal_worker.warehouse.interface import Finish, Reading

    from .types import Column

_WORDS = Words(
    "Redshift",
    double="double precision",
    # As wide as there is; without a width it would be 256 bytes.
    text="varchar(65535)",
    binary="varbyte(1000000)",
    zoned="timestamptz",
    parse={"super": "json_parse({})"},
    decimal=lambda precision, scale: (
        f"decimal({precision}, {scale})" if precision <= 38 and scale <= 37 else None
    ),
)
_QUERY = re.compile(r"(\s|/\*.*?\*/|--[^\n]*\n|\()*(select|with)\b", re.IGNORECASE | re.DOTALL)
_CURSOR = "fal_rows"
# A cluster of one node gives no more at once.
_PAGE = 1_000


class Connection(cloud.Connection):
    """Begins and ends transactions itself: dbt-redshift can be configured to send none."""

    def begin(self) -> None:
        self.commit()
        self.say("begin")
        self.own.transaction_open = True

    def commit(self) -> None:
        if self.own.transaction_open:
            self.direct(self.handle.commit)
            self.own.transaction_open = False

    def rollback(self) -> None:
        with contextlib.suppress(Exception):  # the server may be gone, or have done it
            self.handle.rollback()
        self.own.transaction_open = False

    def say(self, sql: str, values: list[Any] | None = None) -> Any:
        """One statement on the client's own cursor, which is given."""
        cursor = self.handle.cursor()
        self.direct(lambda: cursor.execute(sql, values))
        return cursor


class Write(cloud_write.Write):
    def load(self, connection: Any, tables: Tables, reader: pa.RecordBatchReader) -> None:
        connection.begin()
        try:
            folder = variable(self._adapter, "fal_s3_staging")
            if folder is not None and copied(self.columns):
                role = variable(self._adapter, "fal_iam_role")
                self.rows = by_copy(connection, tables.stage, self.columns, reader, folder, role)
            else:
                self.rows = by_parameters(
                    connection, tables.stage, self.names, self.columns, reader
                )
            connection.commit()
        except BaseException:
            connection.rollback()
            raise

    def _settle(self, connection: Any, tables: Tables, finish: Finish | None) -> bool:
        there = tables.look_up(tables.relation)
        keeps = there is not None and self._place is not Place.MODEL and self.alike(tables, there)
        tables.drop(tables.backup)
        connection.begin()
        try:
            if self._append or keeps:
                self._pour_into(connection, tables)
            else:
                self._swap_in(connection, tables, there, finish)
            is_new = not (self._append or keeps)
            connection.finish(finish, is_new)
            if is_new and there is not None and self._place is Place.SOURCE:
                # dbt's macro would drop with it what hangs on it; so it is an error instead.
                connection.run(f"drop {there.type} {tables.backup}")
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        for gone in (tables.backup, tables.stage):
            with contextlib.suppress(Exception):  # the next write would drop them
                tables.drop(gone)
        connection.commit()
        return is_new

    def _pour_into(self, connection: Any, tables: Tables) -> None:
        if not self._append:
            connection.run(f"delete from {tables.relation}")
        connection.run(
            f"insert into {tables.relation} ({', '.join(self.names)}) {self.select(tables)}"
        )

    def _swap_in(self, connection: Any, tables: Tables, there: Any, finish: Finish | None) -> None:
        if there is not None:
            tables.rename(there, tables.backup)
        sql = connection.create_sql(finish, tables.relation, self.select(tables))
        if sql is None:
            tables.rename(tables.stage, tables.relation)
        else:
            connection.run(sql)


class Redshift(cloud.Cloud):
    words = _WORDS
    connection = Connection
    write = Write

    def read_on(self, connection: Any, sql: str) -> Reading:
        sql = sql.strip().rstrip(";")
        if not sql:
            return nothing()
        sql = connection.adapter.connections._add_query_comment(sql)
        cursor = _Pages.declared(connection, sql) if _QUERY.match(sql) else None
        if cursor is None:
            cursor = connection.run(sql)
        if not cursor.description:
            connection.commit()
            return nothing()
        reading = rows(connection, cursor)
        connection.commit()
        return reading


class _Pages:
    """A cursor whose rows stay on the server until they are asked for."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._page = self._fetch()
        self.description = self._page.description

    @classmethod
    def declared(cls, connection: Any, sql: str) -> _Pages | None:
        """`None` if the server takes no cursor for it, as for several statements, or for tables of
        its leader alone."""
        from fal_worker.errors import SessionError

        connection.begin()
        try:
            connection.say(f"declare {_CURSOR} cursor for {sql}")
        except SessionError:
            connection.check()
            connection.rollback()
            return None
        return cls(connection)

    def fetchmany(self, _: int) -> list[Any]:
        page = list(self._page.fetchall())
        if page:
            self._page = self._fetch()
        return page

    def _fetch(self) -> Any:
        return self._connection.say(f"fetch forward {_PAGE} from {_CURSOR}")


# Of one statement: Redshift counts parameters with 16 bits.
_PARAMETERS, _ROWS = 30_000, 5_000


def by_parameters(
    connection: Any,
    table: Any,
    names: list[str],
    columns: list[Column],
    reader: pa.RecordBatchReader,
) -> int:
    """In the transaction that is open; gives the number of rows."""
    size = max(1, min(_ROWS, _PARAMETERS // len(columns)))
    mark = f"({', '.join(_mark(column) for column in columns)})"
    # A percent sign between quotes is none of a parameter to this client, so names stay as they
    # are.
    into = f"insert into {table} ({', '.join(names)}) values "
    texts = [_text(column.arrow) for column in columns]
    count = 0
    for arrays in encoded_parts(columns, reader, size):
        values = [
            [None if value is None else text(value) for value in array.to_pylist()]
            for text, array in zip(texts, arrays)
        ]
        connection.say(
            into + ", ".join([mark] * len(arrays[0])), list(chain.from_iterable(zip(*values)))
        )
        count += len(arrays[0])
    return count


def _mark(column: Column) -> str:
    import pyarrow.types as t

    if column.parse:
        return column.cast("%s::varchar(65535)")
    return (
        "to_varbyte(%s::varchar(65535), 'hex')"
        if t.is_binary(column.arrow)
        else f"%s::{column.sql}"
    )


def _text(type: Any) -> Callable[[Any], str]:
    """The text of a value in the form that the server parses for its type."""
    import pyarrow.types as t

    if t.is_boolean(type):
        return lambda value: "true" if value else "false"
    if t.is_decimal(type):
        return lambda value: f"{value:f}"
    if t.is_binary(type):
        return lambda value: str(value.hex())
    if t.is_timestamp(type) and type.tz:
        return lambda value: f"{iso(value)}+00"
    return iso if t.is_temporal(type) else str


def copied(columns: list[Column]) -> bool:
    """Whether COPY takes all these types from Parquet."""
    import pyarrow.types as t

    kinds = (t.is_boolean, t.is_integer, t.is_floating, t.is_decimal, t.is_string, t.is_date)
    wall_clock = (lambda type: t.is_timestamp(type) and type.tz is None,)
    return all(
        not column.given and any(kind(column.arrow) for kind in (*kinds, *wall_clock))
        for column in columns
    )


def by_copy(
    connection: Any,
    table: Any,
    columns: list[Column],
    reader: pa.RecordBatchReader,
    folder: str,
    role: str | None,
) -> int:
    """Through files below `folder`, which are gone in the end; gives the number of rows."""
    import boto3

    bucket, prefix = _place(folder)
    client = boto3.client("s3")
    keys: list[str] = []
    files = Files(columns, reader)
    try:
        with files.opened() as paths:
            for number, path in enumerate(paths):
                keys.append(f"{prefix}/{number}.parquet")
                connection.direct(partial(client.upload_file, path, bucket, keys[-1]))
        if keys:
            access = f"iam_role {_literal(role)}" if role else "iam_role default"
            connection.say(
                f"copy {table} from {_literal(f's3://{bucket}/{prefix}/')} {access} format as parquet"
            )
    finally:
        for key in keys:
            client.delete_object(Bucket=bucket, Key=key)
    return files.rows


def _place(folder: str) -> tuple[str, str]:
    bucket, _, prefix = folder.removeprefix("s3://").partition("/")
    if not folder.startswith("s3://") or not bucket:
        raise SessionError(
            "gateway::variable", f"fal_s3_staging must be like s3://bucket/folder, not {folder!r}"
        )
    return bucket, f"{prefix.rstrip('/')}/fal_{uuid.uuid4().hex}".lstrip("/")


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


FACTS = cloud.facts(
    Redshift,
    dtype_types(_WORDS, json="SUPER", uuid="VARCHAR(36)", float="REAL", zoned_time="TIMETZ"),
    appends_by_default=True,
)
