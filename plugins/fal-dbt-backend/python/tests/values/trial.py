"""Writes a table and reads it back: each column is equal, refused by name, or changed."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from fal_worker.job.error import FalError

from . import canonical
from .client import ValueClient
from .oracle import Place, difference
from .zoo import Column, Table

# Texts that must not appear in a message to a user.
_OURS = re.compile(r"Traceback|fal_worker|site-packages|\.py\"?, line")


class Outcome(str, Enum):
    EQUAL = "equal"
    REFUSED = "refused"
    # These two break the contract: a refusal without the column's name, and an internal error.
    NAMELESS = "nameless"
    BROKEN = "broken"
    CHANGED = "changed"

    @property
    def is_fault(self) -> bool:
        return self in (Outcome.NAMELESS, Outcome.BROKEN, Outcome.CHANGED)


@dataclass(frozen=True)
class Verdict:
    column: Column
    outcome: Outcome
    why: str = ""


def tried(client: ValueClient, table: Table) -> Iterator[Verdict]:
    """Yields a verdict on each column.

    Where a table is refused, the job's conversion is tried with each column alone, and the others
    are written. Where the gateway refuses, the table is written again without the column that the
    error names, or in halves if it names none.
    """
    try:
        client.write(table.frame())
    except Exception:
        refused = [
            verdict
            for column in table.columns
            if (verdict := _unsent(client, table, column)) is not None
        ]
        yield from refused
        there = {verdict.column.name for verdict in refused}
        rest = [column for column in table.columns if column.name not in there]
        if rest:
            yield from _written(client, table.only(rest))
        return
    yield from _read(client, table, list(table.columns))


def _unsent(client: ValueClient, table: Table, column: Column) -> Verdict | None:
    try:
        client.convert(table.only([column]).frame())
    except Exception as error:
        return _judged(column, error, "written")
    return None


def _written(client: ValueClient, table: Table) -> Iterator[Verdict]:
    try:
        client.write(table.frame())
    except Exception as error:
        if len(table.columns) == 1:
            yield _judged(table.columns[0], error, "written")
            return
        named, groups = _split(table.columns, error)
        yield from (_judged(column, error, "written") for column in named)
        for columns in groups:
            yield from _written(client, table.only(columns))
        return
    yield from _read(client, table, list(table.columns))


def _read(client: ValueClient, table: Table, columns: list[Column]) -> Iterator[Verdict]:
    """Yields verdicts on a written table. A value that pandas or polars cannot hold is read as
    Arrow.
    """
    try:
        found = columns_of(table.form, client.read(table.form, [column.name for column in columns]))
    except Exception as error:
        named, groups = _split(tuple(columns), error) if len(columns) > 1 else (columns, [])
        for column in named:
            yield _as_arrow(client, table, column, _judged(column, error, f"read as {table.form}"))
        for group in groups:
            yield from _read(client, table, group)
        return
    for column in columns:
        yield _compared(column, found, Place(table.carrier, client.warehouse, table.form))


def _split(
    columns: tuple[Column, ...], error: Exception
) -> tuple[list[Column], list[list[Column]]]:
    """Returns the column that the error names, and the columns to try again."""
    named = [column for column in columns if _names(error, column)]
    if len(named) == 1:
        return named, [[column for column in columns if column is not named[0]]]
    middle = len(columns) // 2
    return [], [list(columns[:middle]), list(columns[middle:])]


def _as_arrow(client: ValueClient, table: Table, column: Column, refused: Verdict) -> Verdict:
    try:
        found = columns_of("arrow", client.read("arrow", [column.name]))
    except Exception as error:
        return Verdict(column, Outcome.CHANGED, f"written, but it cannot be read: {error}")
    compared = _compared(column, found, Place(table.carrier, client.warehouse, "arrow"))
    return compared if compared.outcome is Outcome.CHANGED else refused


def _compared(column: Column, found: dict[str, list[Any]], place: Place) -> Verdict:
    if column.name not in found:
        return Verdict(column, Outcome.CHANGED, f"there are the columns {sorted(found)}")
    why = difference(column.given, found[column.name], place)
    if why is None:
        return Verdict(column, Outcome.EQUAL)
    return Verdict(column, Outcome.CHANGED, f"{why} ({place.form})")


def _judged(column: Column, error: Exception, doing: str) -> Verdict:
    text = f"{doing}: {error}"
    if not isinstance(error, FalError):
        return Verdict(
            column, Outcome.BROKEN, f"{text}\n{''.join(traceback.format_exception(error)[-3:])}"
        )
    if _OURS.search(str(error)):
        return Verdict(column, Outcome.BROKEN, text)
    return Verdict(column, Outcome.REFUSED if _names(error, column) else Outcome.NAMELESS, text)


def _names(error: Exception, column: Column) -> bool:
    return re.search(rf"\b{column.name}\b", str(error)) is not None


def columns_of(form: str, read: Any) -> dict[str, list[Any]]:
    """The canonical forms of the rows read, by column."""
    if form == "arrow":
        return {
            name: canonical.of_arrow(column)
            for name, column in zip(read.schema.names, read.columns)
        }
    if form == "polars":
        return {series.name: canonical.of_polars(series) for series in read}
    return {str(name): canonical.of_pandas(read[name]) for name in read.columns}
