"""Refuses values that Arrow has, but pandas or polars does not, by the column's name.

The libraries' own errors don't name the column. Some of them end in a panic, and polars turns the
time 24:00 into NULL and overflows timestamps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow
from pyarrow import types

from fal_worker.leaves import leaves

from .error import FalError

_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}
# Python's `datetime.date` has the years 1 to 9999.
_FIRST_DATE, _LAST_DATE = -719_162, 2_932_896
# polars counts seconds in milliseconds.
_SECONDS = 2**63 // 1000 - 1
_AS_TEXT = "in SQL: `cast({name} as varchar)`"


@dataclass(frozen=True)
class _Check:
    """A kind of value that some forms have no place for."""

    forms: tuple[str, ...]
    kind: Callable[[pyarrow.DataType], bool]
    what: str
    instead: str
    # Whether an array of this kind holds one; without it the library has no such type at all.
    holds: Callable[[pyarrow.Array], bool] | None = None

    def finds(self, array: pyarrow.Array) -> bool:
        if not self.kind(array.type):
            return False
        return self.holds is None or (len(array) > array.null_count and self.holds(array))


def _is_union(kind: pyarrow.DataType) -> bool:
    return bool(types.is_union(kind))


def _outside(first: int, last: int) -> Callable[[pyarrow.Array], bool]:
    def holds(array: pyarrow.Array) -> bool:
        import pyarrow.compute as pc

        found = pc.min_max(
            array.cast(pyarrow.int32() if array.type.bit_width == 32 else pyarrow.int64())
        ).as_py()
        return found["min"] is not None and (found["min"] < first or found["max"] > last)

    return holds


def _is_midnight_of_tomorrow(array: pyarrow.Array) -> bool:
    return _outside(0, _DAY[array.type.unit] - 1)(array)


def _has_nanoseconds(array: pyarrow.Array) -> bool:
    import pyarrow.compute as pc

    ticks = array.cast(pyarrow.int64())
    return bool(pc.any(pc.not_equal(pc.multiply(pc.divide(ticks, 1000), 1000), ticks)).as_py())


_CHECKS = (
    _Check(("pandas", "polars"), _is_union, "a UNION", "`as_='arrow'`, or one member " + _AS_TEXT.replace("{name}", "{name}.MEMBER")),
    _Check(("polars",), types.is_interval, "an INTERVAL", "`as_='pandas'`, or its seconds in SQL: `extract(epoch from {name})`"),
    _Check(("polars",), types.is_decimal256, "a decimal of more than 38 digits", "`as_='pandas'`, or " + _AS_TEXT),
    _Check(
        ("pandas",), types.is_date32, "a date before the year 1 or after 9999", "`as_='polars'`, or " + _AS_TEXT,
        _outside(_FIRST_DATE, _LAST_DATE),
    ),
    _Check(("pandas", "polars"), types.is_time, "the time 24:00", "`as_='arrow'`, or " + _AS_TEXT, _is_midnight_of_tomorrow),
    _Check(
        ("pandas",), lambda kind: kind == pyarrow.time64("ns"), "a time with nanoseconds", "`as_='polars'`, or in SQL: `cast({name} as time)`",
        _has_nanoseconds,
    ),
    _Check(
        ("polars",), lambda kind: types.is_timestamp(kind) and kind.unit == "s", "a timestamp of more seconds than polars counts",
        "`as_='arrow'`, or " + _AS_TEXT, _outside(-_SECONDS, _SECONDS),
    ),
)  # fmt: skip


def check(table: pyarrow.Table, form: str) -> None:
    """Raises `FalError` for the first column that holds what `form` has no value for."""
    for name, column in zip(table.schema.names, table.columns):
        for array in leaves(column.chunks or [pyarrow.nulls(0, column.type)]):
            for one in _CHECKS:
                if form in one.forms and one.finds(array):
                    raise _refusal(name, form, one.what, one.instead.format(name=name))


def converted(table: pyarrow.Table, form: str, convert: Callable[[pyarrow.Table], Any]) -> Any:
    """Converts the table with `convert`.

    An error of the library is reported for the first column that cannot be converted alone.
    """
    check(table, form)
    try:
        return convert(table)
    except BaseException as error:
        if not _is_of_library(error):
            raise
        for place, name in enumerate(table.schema.names):
            try:
                convert(table.select([place]))
            except BaseException as alone:
                if not _is_of_library(alone):
                    raise
                reason = str(alone).partition("\n")[0]
                what = f"values of {table.schema.field(place).type} that it cannot take ({reason})"
                raise _refusal(
                    name, form, what, "`as_='arrow'`, or " + _AS_TEXT.format(name=name)
                ) from None
        raise


def _is_of_library(error: BaseException) -> bool:
    """A panic in polars is no `Exception`."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def _refusal(name: str, form: str, what: str, instead: str) -> FalError:
    return FalError(
        f"fal: the column {name!r} holds {what}, for which {form} has no value",
        "worker::value",
        f"Read it as {instead}.",
    )
