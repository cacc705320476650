"""Redshift: rows in pages of a server-side cursor, and back as parameters in one transaction, or by COPY from S3 where that is set up.

Nothing of this was run against a real cluster. Its client has no Arrow, and reads the whole of a result before it gives the first row.

- Reading: what begins with SELECT or WITH is declared as a cursor, of which pages are fetched; all else runs as it is.
- Writing: every value goes as text with a cast to the column's type, since a parameter's own type would not say how many digits a
  decimal has. With the variables `fal_s3_staging` (s3://bucket/folder) and `fal_iam_role`, the rows go through Parquet files and COPY, if
  there are only types that COPY takes from Parquet.
- The table takes its place by renaming, in one transaction with grants and comments; with the model's `dist` and `sort`.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

from fal_worker.warehouse.generic.read import nothing, rows
from fal_worker.warehouse.interface import Place

from . import common as cloud
from . import connection as cloud_connection
from . import write as cloud_write
from .connection import variable
from .redshift_load import by_copy, by_parameters, copied
from .types import Words

if TYPE_CHECKING:
    import pyarrow as pa

    from fal_worker.warehouse.finishing import Finish
    from fal_worker.warehouse.generic.tables import Tables
    from fal_worker.warehouse.interface import Reading

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


def open_warehouse(adapter: Any) -> Redshift:
    return Redshift(adapter)


class Connection(cloud_connection.Connection):
    """With transactions that are its own: dbt-redshift can be told not to send any."""

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
        """`None` if the server takes no cursor for it, as for several statements, or for tables of its leader alone."""
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
