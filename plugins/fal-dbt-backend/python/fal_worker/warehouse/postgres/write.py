"""Writes a stream of Arrow into a table of PostgreSQL, in a transaction that stays open.

The rows are copied into a table that only this transaction sees. Only `commit` touches the existing
table, so others can read it until then. A model's table is replaced as dbt's own table
materialization replaces it: views that depend on it are dropped with it, and rights that were
granted by hand are lost. What scripts write (`Place`) keeps the table where it can.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.warehouse.column_rules import extension_of
from fal_worker.warehouse.interface import Borrowed, Place
from fal_worker.warehouse.values import Stream

from . import read as postgres_read
from .connection import Connection, DatabaseError, Handle
from .encode import Encoding, encoding, json_encoding
from .tables import Table, TableColumn, drop, fits, look_up, look_up_columns

if TYPE_CHECKING:
    import pyarrow as pa

    from fal_worker.project.readable import Readable
    from fal_worker.warehouse.interface import Finish, Reading


def make_schema(connection: Connection, relation: Any) -> None:
    """Makes the schema if it is missing. Asks first: a user may write into a schema without the
    right to make one."""
    name = _schema_name(relation)
    if not connection.rows(f"select 1 from pg_namespace where nspname = {_literal(name)}"):
        connection.run(
            f"create schema if not exists {relation.without_identifier().include(database=False)}"
        )
    connection.commit()


def begin(
    connection: Connection,
    relation: Any,
    reader: pa.RecordBatchReader,
    mode: str,
    types: dict[str, str],
    place: Place,
) -> Write:
    there = look_up(connection, relation)
    if there is not None:
        there.check_replaceable()
    names = list(reader.schema.names)
    encodings = [_encoding(field) for field in reader.schema]
    if mode == "append" and there is not None:
        there.check_columns(names)
    stage = _Stage(connection, relation)
    rows = stage.fill(names, encodings, reader, types)
    if mode == "append" and there is not None:
        stage.pour(
            there,
            names,
            {
                name
                for name, encoding in zip(names, encodings)
                if encoding.untyped and name not in types
            },
        )
        return Write(connection, relation, rows, None, place)
    return Write(connection, relation, rows, stage, place)


class Write:
    """A table in an open transaction. Without a stage, everything is in its place already."""

    def __init__(
        self, connection: Connection, relation: Any, rows: int, stage: _Stage | None, place: Place
    ) -> None:
        self._connection, self.rows, self._stage, self._place = connection, rows, stage, place
        self.relation = (
            relation if stage is None else relation.incorporate(path={"identifier": stage.name})
        )
        self.identifier = str(self.relation.identifier)

    def commit(self, finish: Finish | None = None) -> bool:
        try:
            is_new = self._stage is not None and self._stage.settle(self._place)
            if finish is not None:
                finish(Borrowed(Handle(self._connection)), is_new)
            self._connection.commit()
            return is_new
        except DatabaseError as error:
            raise SessionError(
                "gateway::database",
                f"Committing the model's table failed: {error.message}",
                error.help,
            ) from None
        finally:
            self._connection.close()

    def rollback(self) -> None:
        self._connection.close()

    def read(self, sql: str, readable: Readable | None = None) -> Reading:
        return postgres_read.read_within(self._connection, sql, readable)


class _Stage:
    """The new table under a temporary name."""

    def __init__(self, connection: Connection, relation: Any) -> None:
        self._connection, self._relation = connection, relation
        self.name = f"fal_{uuid.uuid4().hex}"
        self._table = f"{relation.without_identifier().include(database=False)}.{self.name}"

    def fill(
        self,
        names: list[str],
        encodings: list[Encoding],
        reader: pa.RecordBatchReader,
        types: dict[str, str],
    ) -> int:
        """Makes the table and copies the rows. Returns their number."""
        import pyarrow as pa

        columns = ", ".join(
            f"{_quoted(name)} {encoding.sql}" for name, encoding in zip(names, encodings)
        )
        self._run(f"create table {self._table} ({columns})")
        schema = pa.schema(
            [pa.field(name, encoding.arrow) for name, encoding in zip(names, encodings)]
        )
        source = Stream("PostgreSQL", reader, schema, [encoding.values for encoding in encodings])
        try:
            with self._connection.cursor() as cursor:
                rows = cursor.adbc_ingest(
                    self.name,
                    source.reader(),
                    mode="append",
                    db_schema_name=_schema_name(self._relation),
                )
        except DatabaseError as error:
            if source.error is not None:
                raise source.error from None
            raise _copy_failure(error, self._relation, names) from None
        self._cast(types)
        return int(rows)

    def _cast(self, types: dict[str, str]) -> None:
        if types:
            casts = [
                f"alter column {_quoted(n)} type {sql} using {_quoted(n)}::{sql}"
                for n, sql in types.items()
            ]
            self._run(f"alter table {self._table} {', '.join(casts)}")

    def pour(self, there: Table, names: list[str], untyped: set[str] | None = None) -> None:
        """Its rows go to the end of the table that is there.

        Those columns are cast that have no type of their own."""
        targets = [there.column(name) for name in names]
        self._check_kept(dict(zip(names, targets)), untyped or set())
        # An untyped NULL fits every column, text does not.
        rows = [
            f"{_quoted(name)}::{target.type}" if name in (untyped or ()) else _quoted(name)
            for name, target in zip(names, targets)
        ]
        into = ", ".join(map(_quoted, names))
        self._run(f"insert into {there.sql} ({into}) select {', '.join(rows)} from {self._table}")
        self._connection.run(f"drop table {self._table}")

    def _check_kept(self, targets: dict[str, TableColumn], untyped: set[str]) -> None:
        """Every value stays the same in the table that is there: PostgreSQL itself would round.
        Text is parsed."""
        for column in look_up_columns(self._connection, self._table):
            target, name = targets[column.name].type, _quoted(column.name)
            if (
                column.type in (target, "text")
                or column.name in untyped
                or fits(column.type, target)
            ):
                continue
            there = f"select 1 from {self._table} where ({name}::{target})::{column.type} is distinct from {name} limit 1"
            try:
                is_another = bool(self._connection.rows(there))
                reason = ""
            except DatabaseError as error:
                is_another, reason = True, f": {error.message}"
            if is_another:
                message = f"The column `{column.name}` holds a value of {column.type} that is another one in {target}, the type of the table{reason}"
                raise SessionError(
                    "gateway::value",
                    message,
                    "Round or convert it before, or write the table anew with mode='overwrite'.",
                )

    def settle(self, place: Place) -> bool:
        """Puts the table, or its rows, in the old one's place.

        Returns whether that is a new table.
        """
        there = look_up(self._connection, self._relation)
        if there is not None and place is not Place.MODEL:
            columns = look_up_columns(self._connection, self._table)
            if there.takes(columns):
                self._connection.run(f"truncate table {there.sql}")
                self.pour(there, [column.name for column in columns])
                return False
        if there is not None:
            drop(self._connection, there, cascade=place is not Place.SOURCE)
        identifier = self._relation.include(database=False, schema=False)
        self._connection.run(f"alter table {self._table} rename to {identifier}")
        return True

    def _run(self, sql: str) -> None:
        try:
            self._connection.run(sql)
        except DatabaseError as error:
            raise SessionError(
                "gateway::database", f"Writing {self._relation} failed: {error.message}"
            ) from None


def _encoding(field: Any) -> Encoding:
    try:
        return json_encoding() if extension_of(field) == "arrow.json" else encoding(field.type)
    except SessionError as error:
        raise SessionError(error.code, f"The column `{field.name}`: {error.message}") from None


def _copy_failure(error: DatabaseError, relation: Any, names: list[str]) -> SessionError:
    """Says which column and row it was.

    What the server says of the place is in its own language, but for the numbers."""
    message = error.message.split("\n")[0]
    place = re.search(r"COPY fal_\w+, \w+ (\d+)(?:, \w+ ([^\n:]+))?", error.message)
    if place is None:
        return SessionError("gateway::database", f"Writing {relation} failed: {message}")
    column = (
        f"The column `{place[2]}` holds, in row {place[1]},"
        if place[2] in names
        else f"Row {place[1]} holds"
    )
    if error.sqlstate in ("22021", "22P05"):
        message = f"{column} the character NUL (U+0000), which PostgreSQL cannot store in text"
        return SessionError("gateway::value", message, "Remove it, or write the column as bytes.")
    if error.sqlstate == "22008":
        return SessionError(
            "gateway::value",
            f"{column} a date or time beyond what PostgreSQL can store (4713 BC to 294276 AD)",
        )
    return SessionError(
        "gateway::value", f"{column} a value that PostgreSQL cannot store: {message}"
    )


def _schema_name(relation: Any) -> str:
    """The schema's name as the catalogue has it."""
    return str(relation.schema) if relation.quote_policy.schema else str(relation.schema).lower()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
