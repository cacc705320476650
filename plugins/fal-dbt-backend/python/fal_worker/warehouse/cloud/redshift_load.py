"""Redshift: rows into a table, as parameters or through S3."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError

from .files import Files
from .literals import iso
from .types import encoded_parts

if TYPE_CHECKING:
    import pyarrow as pa

    from .types import Column

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
    # A percent sign between quotes is none of a parameter to this client, so names stay as they are.
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
    """As the server reads a value of the type."""
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
