"""PostgreSQL: a connection of ours as dbt-postgres sees its own, for dbt's macros."""

from __future__ import annotations

from typing import Any

from .connection import Connection


class Handle:
    """What dbt uses of psycopg2's connection; to be lent as `Borrowed`."""

    closed = 0

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def cursor(self) -> _Cursor:
        return _Cursor(self._connection)

    def get_backend_pid(self) -> int:
        return int(self._connection.rows("select pg_backend_pid()")[0][0])


class _Cursor:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.description: list[tuple[Any, ...]] | None = None
        self.statusmessage, self.rowcount = "OK", -1
        self._rows: list[tuple[Any, ...]] = []

    def execute(self, sql: str, bindings: Any = None) -> None:
        import sqlparse

        if bindings:
            raise NotImplementedError("dbt's macros for tables bind no values")
        if len(sqlparse.split(sql)) > 1:
            self._connection.run(sql)
            return
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            self._rows = list(cursor.fetchall())
            self.description = cursor.description or None
            self.rowcount = len(self._rows)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows[0] if self._rows else None

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        return self._rows[:size]

    def close(self) -> None:
        pass
