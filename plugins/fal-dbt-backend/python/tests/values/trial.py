"""A table written and read back: of each column, whether it is equal, refused by its name, or changed."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from fal_worker.job.error import FalError

from . import canonical
from .desk import Desk
from .oracle import Place, difference
from .zoo import Column, Table

# What no message to a user holds.
_OURS = re.compile(r"Traceback|fal_worker|site-packages|\.py\"?, line")


class Outcome(str, Enum):
    EQUAL = "equal"
    REFUSED = "refused"
    # Against the contract: refused without the column's name, or with an error of the worker's own.
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


def tried(desk: Desk, table: Table) -> Iterator[Verdict]:
    """A verdict on each column. A refused table is split: the columns that the error names are tried alone, the others together."""
    try:
        desk.write(table.frame())
    except Exception as error:
        yield from _refused(desk, table, error)
        return
    try:
        found = columns_of(table.form, desk.read(table.form))
    except Exception as error:
        yield from _unread(desk, table, error)
        return
    for column in table.columns:
        yield _compared(column, found, Place(table.carrier, desk.warehouse, table.form))


def _refused(desk: Desk, table: Table, error: Exception) -> Iterator[Verdict]:
    if len(table.columns) == 1:
        yield _judged(table.columns[0], error, "written")
        return
    for columns in _split(table.columns, error):
        yield from tried(desk, table.only(columns))


def _unread(desk: Desk, table: Table, error: Exception) -> Iterator[Verdict]:
    """Where pandas or polars has no value for what was written, Arrow has."""
    if len(table.columns) > 1:
        yield from _refused(desk, table, error)
        return
    column = table.columns[0]
    verdict = _judged(column, error, f"read as {table.form}")
    if verdict.outcome is Outcome.REFUSED:
        try:
            found = columns_of("arrow", desk.read("arrow"))
        except Exception as unread:
            verdict = Verdict(column, Outcome.CHANGED, f"written, but it cannot be read: {unread}")
        else:
            compared = _compared(column, found, Place(table.carrier, desk.warehouse, "arrow"))
            verdict = compared if compared.outcome is Outcome.CHANGED else verdict
    yield verdict


def _compared(column: Column, found: dict[str, list[Any]], place: Place) -> Verdict:
    if column.name not in found:
        return Verdict(column, Outcome.CHANGED, f"there are the columns {sorted(found)}")
    why = difference(column.given, found[column.name], place)
    return Verdict(column, Outcome.EQUAL) if why is None else Verdict(column, Outcome.CHANGED, f"{why} ({place.form})")


def _split(columns: tuple[Column, ...], error: Exception) -> list[list[Column]]:
    named = [column for column in columns if _names(error, column)]
    rest = [column for column in columns if column not in named]
    if not named or not rest:
        return [list(columns[: len(columns) // 2]), list(columns[len(columns) // 2 :])]
    return [*([column] for column in named), rest]


def _judged(column: Column, error: Exception, doing: str) -> Verdict:
    text = f"{doing}: {error}"
    if not isinstance(error, FalError):
        return Verdict(column, Outcome.BROKEN, f"{text}\n{''.join(traceback.format_exception(error)[-3:])}")
    if _OURS.search(str(error)):
        return Verdict(column, Outcome.BROKEN, text)
    return Verdict(column, Outcome.REFUSED if _names(error, column) else Outcome.NAMELESS, text)


def _names(error: Exception, column: Column) -> bool:
    return re.search(rf"\b{column.name}\b", str(error)) is not None


def columns_of(form: str, read: Any) -> dict[str, list[Any]]:
    """The canonical forms of what was read, by column."""
    if form == "arrow":
        return {name: canonical.of_arrow(column) for name, column in zip(read.schema.names, read.columns)}
    if form == "polars":
        return {series.name: canonical.of_polars(series) for series in read}
    return {str(name): canonical.of_pandas(read[name]) for name in read.columns}
