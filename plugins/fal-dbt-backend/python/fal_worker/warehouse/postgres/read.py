"""Streams a query's result from PostgreSQL as record batches.

Uses `COPY ... TO STDOUT (FORMAT binary)`, in bounded memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fal_worker.project.readable import Readable, refused
from fal_worker.warehouse.interface import Reading
from fal_worker.warehouse.spool import whole
from fal_worker.warehouse.values import unfit

from . import check as postgres_check
from .columns import Column, check, columns, storage, stored, to_decimal
from .connection import Connection, DatabaseError, failures
from .measure import spooled

if TYPE_CHECKING:
    import pyarrow as pa

_SYNTAX_ERROR = "42601"
# What the driver says of an interval; not in which column.
_TOO_LONG = "would overflow when converting to nanoseconds"


def read(connection: Connection, sql: str) -> Reading:
    """The result of the last statement.

    What the statements changed is committed when the stream has been read to its end."""

    def end() -> None:
        connection.commit()
        connection.close()

    last, schema = _described(connection, sql)
    reader, typed = _read(connection, last, schema, end)
    return Reading(reader, connection.close, typed)


def read_checked(connection: Connection, sql: str, readable: Readable) -> Reading:
    """The result of one SELECT of readable relations, in a transaction that can change nothing."""

    def end() -> None:
        connection.commit()
        connection.close()

    sql, schema = _checked(connection, sql, readable)
    connection.rollback()
    connection.run("set transaction read only")
    reader, typed = _read(connection, sql, schema, end)
    return Reading(reader, connection.close, typed)


def _checked(connection: Connection, sql: str, readable: Readable) -> tuple[str, pa.Schema]:
    """The statement, if it may run for a leased job, and its columns.

    Leaves the transaction to be rolled back."""
    sql = _trimmed(sql)
    if not sql.strip():
        raise refused("it is no single SELECT")
    try:
        # Prepared, which refuses a second statement.
        schema = _schema(connection, sql)
    except DatabaseError as error:
        if error.sqlstate == _SYNTAX_ERROR and len(_split(sql)) > 1:
            raise refused("it is no single SELECT") from None
        raise
    postgres_check.check(connection, sql, readable)
    return sql, schema


def read_within(connection: Connection, sql: str, readable: Readable | None = None) -> Reading:
    """The result of one statement, all of it, inside the transaction that is open: what it changed
    ends with that, and what fails leaves the transaction as it was. Of a leased job it is checked
    as by `read_checked`."""
    connection.run("savepoint fal_within")
    try:
        if readable is not None:
            sql, _ = _checked(connection, sql, readable)
            connection.run("rollback to savepoint fal_within")
        # Not several: one of them could be a `commit`.
        reading = whole(_read(connection, sql, _schema(connection, sql), lambda: None)[0])
    except BaseException:
        connection.run("rollback to savepoint fal_within")
        raise
    connection.run("release savepoint fal_within")
    return reading


def _read(
    connection: Connection, sql: str, schema: pa.Schema, end: Callable[[], None]
) -> tuple[pa.RecordBatchReader, bool]:
    """The result, and whether its types come from the columns. Calls `end` after the last row."""
    import pyarrow as pa

    if not schema.names:
        if _split(sql):
            connection.run(sql)
        end()
        return pa.RecordBatchReader.from_batches(pa.schema([]), []), False
    found = columns(connection, schema)
    connection.streaming = True
    cursor = _executed(connection, sql, found)
    with failures():
        batches = _stored(_batches(connection, cursor, found, end))
    if any(column.depends_on_values for column in found):
        return spooled(found, batches), False
    fields = [column.field(column.decimal or stored(_arrow(column))) for column in found]
    out = pa.schema(fields)
    return pa.RecordBatchReader.from_batches(out, _converted(found, out, batches)), True


def _described(connection: Connection, sql: str) -> tuple[str, pa.Schema]:
    """The statement whose result is asked for, and its columns; the ones before it have run."""
    import pyarrow as pa

    if not sql.strip():
        return "", pa.schema([])
    try:
        return sql, _schema(connection, sql)
    except DatabaseError as error:
        statements = _split(sql) if error.sqlstate == _SYNTAX_ERROR else [sql]
        if len(statements) < 2:
            raise
    connection.rollback()
    for statement in statements[:-1]:
        connection.run(statement)
    return statements[-1], _schema(connection, statements[-1])


def _schema(connection: Connection, sql: str) -> pa.Schema:
    with connection.cursor() as cursor:
        return cursor.adbc_execute_schema(sql)


def _split(sql: str) -> list[str]:
    # dbt depends on it.
    import sqlparse

    return [
        statement
        for statement in sqlparse.split(sql)
        if sqlparse.format(statement, strip_comments=True).strip(" \n\t;")
    ]


def _trimmed(sql: str) -> str:
    """The statement without its last semicolon and anything after it."""
    if ";" not in sql:
        return sql
    from sqlparse import lexer, tokens

    found = list(lexer.tokenize(sql))  # type: ignore[no-untyped-call]
    while found and (found[-1][1].strip() in ("", ";") or found[-1][0] in tokens.Comment):
        found.pop()
    return "".join(text for _, text in found)


def _executed(connection: Connection, sql: str, found: list[Column]) -> Any:
    """A cursor with the result. Not every statement can be part of a COPY or a subquery."""
    attempts = list(_attempts(sql, found))
    for number, (text, copy) in enumerate(attempts):
        connection.run("savepoint fal_read")
        cursor = connection.open_cursor()
        try:
            with failures():
                cursor.adbc_statement.set_options(
                    **{"adbc.postgresql.use_copy": "true" if copy else "false"}
                )
                cursor.execute(text)
            return cursor
        except DatabaseError as error:
            cursor.close()
            if error.sqlstate != _SYNTAX_ERROR or number == len(attempts) - 1:
                raise
            connection.run("rollback to savepoint fal_read")
    raise AssertionError("there is always an attempt")


def _attempts(sql: str, found: list[Column]) -> Iterator[tuple[str, bool]]:
    """Texts to try one after the other, each with whether it is read by COPY."""
    sql = _trimmed(sql)
    if not any(column.cast or column.is_array for column in found):
        yield f"{sql}\n", True
        yield sql, False
        return
    names = ", ".join(f"_{number}" for number in range(len(found)))
    selected = [_selected(f"_{number}", column) for number, column in enumerate(found)]
    # Beside each array its lengths, if it has several dimensions: the stream has its elements one
    # after the other.
    selected += [
        f"case when array_ndims(_{n}) > 1 then array_dims(_{n}) end"
        for n, column in enumerate(found)
        if column.is_array
    ]
    yield f"select {', '.join(selected)} from (\n{sql}\n) as _q({names})", True
    yield f"with _q({names}) as (\n{sql}\n) select {', '.join(selected)} from _q", True


def _selected(name: str, column: Column) -> str:
    cast = f"{name}::{column.cast}" if column.cast else name
    # A slice of all begins at 1, which is where ADBC wants an array to begin.
    return f"({cast})[:]" if column.is_array else cast


def _batches(
    connection: Connection, cursor: Any, found: list[Column], end: Callable[[], None]
) -> Iterator[pa.RecordBatch]:
    try:
        with failures():
            yield from cursor.fetch_record_batch()
            cursor.close()
    except DatabaseError as error:
        intervals = [column.name for column in found if column.kind == "interval"]
        if _TOO_LONG not in error.message or not intervals:
            raise
        raise unfit(
            "` or `".join(intervals),
            "an interval of more than 2562047 hours",
            f"{intervals[0]}::text",
        ) from None
    connection.streaming = False
    end()


def _stored(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches whose columns are named by their places."""
    import pyarrow as pa

    for batch in batches:
        arrays = [storage(array) for array in batch.columns]
        yield pa.RecordBatch.from_arrays(
            arrays, names=[str(number) for number in range(len(arrays))]
        )


def _arrow(column: Column) -> Any:
    """The type in which ADBC gives it."""
    import pyarrow as pa

    if column.cast is None:
        return column.arrow
    return pa.int64() if column.cast == "int8" else pa.string()


def _converted(
    found: list[Column], schema: pa.Schema, batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    for batch in batches:
        arrays = []
        for column, array, field in zip(found, batch.columns, schema):
            check(column, array)
            arrays.append(to_decimal(column.name, array, field.type) if column.decimal else array)
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)
