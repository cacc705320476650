"""Arrow from the gateway as the frame that the user asked for.

What pandas gets (`as_="pandas"`, the default); nothing loses a digit without being asked:

| column | without NULL | with NULLs |
|---|---|---|
| integers | numpy of the same width | pandas' nullable type of the same width (`Int64`, ...) |
| booleans | numpy | pandas' `boolean` |
| floating point | numpy | numpy; NULL is NaN |
| integers of 128 bits (every sum in DuckDB) | as integers of 64 bits, where all values fit; else as decimals; so in polars | |
| decimals | `decimal.Decimal` | and None |
| text | pandas' text type (pandas 3: `str`, before: object) | as pandas marks it |
| dates | `datetime.date` | and None |
| times | `datetime.time` | and None |
| timestamps | `datetime64` of the same unit and zone (pandas 1: nanoseconds) | NaT |
| durations | `timedelta64` | NaT |
| intervals | `pandas.DateOffset` of months, days and nanoseconds | and None |
| enums | categories | and NaN |
| binary | `bytes` | and None |
| lists | numpy arrays; Python lists where there are NULLs in them | and None |
| structs, maps | dictionaries | and None |

What pandas or polars has no value for is refused by the column's name: see `unfit`.

What pandas holds as objects is written back as what it was, as long as the values fit: see `pandas_frames`. A column that is NULL
throughout and was made in pandas has no type: the warehouse gives it one. NaN is written as NULL.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from .client import GatewayClient
from .error import FalError
from .objects import LaterText

if TYPE_CHECKING:
    import pyarrow


def subset(function: str, columns: Any, where: Any, limit: Any) -> dict[str, Any]:
    """The fields of the ticket for what was given; none of those that were not."""
    fields: dict[str, Any] = {}
    if columns is not None:
        fields["columns"] = _columns(function, columns)
    if where is not None:
        fields["where"] = _where(function, where)
    if limit is not None:
        fields["limit"] = _limit(function, limit)
    return fields


def _columns(function: str, columns: Any) -> list[str]:
    if isinstance(columns, (str, bytes, dict)) or not hasattr(columns, "__iter__"):
        raise FalError(
            f"fal: {function} takes columns=[...], a list of names, not {_shown(columns)}"
        )
    names = list(columns)
    for name in names:
        if not isinstance(name, str):
            raise FalError(
                f"fal: {function} takes columns=[...], a list of names, and {_shown(name)} is none"
            )
    if not names:
        raise FalError(f"fal: {function} takes columns=[...], a list of at least one name")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise FalError(f"fal: {function} was given the column {twice[0]!r} twice")
    return names


def _where(function: str, where: Any) -> str:
    if not isinstance(where, (str, LaterText)):
        raise FalError(
            f"fal: {function} takes where='...', a condition in SQL, not {_shown(where)}"
        )
    text = str(where)
    if not text.strip():
        raise FalError(
            f"fal: {function} was given an empty condition: leave `where` out to read all rows"
        )
    return text


def _limit(function: str, limit: Any) -> int:
    is_whole = hasattr(type(limit), "__index__") and type(limit).__name__ not in ("bool", "bool_")
    if not is_whole or limit < 0:
        raise FalError(
            f"fal: {function} takes limit=n, a whole number of rows from 0, not {_shown(limit)}"
        )
    return int(limit)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 60 else type(value).__name__


FORMS = ("pandas", "polars", "arrow", "reader")


def read(gateway: GatewayClient, form: str, **command: Any) -> Any:
    """Reads what `command` names, as one of `FORMS`."""
    if form not in FORMS:
        raise FalError(f"fal: as_ is one of {', '.join(FORMS)}, not {form!r}")
    if form == "reader":
        return gateway.read(**command)
    if form == "arrow":
        return gateway.read_table(**command)
    library = _imported(form)
    from . import pandas_frames, unfit

    table = with_plain_integers(gateway.read_table(**command))
    return unfit.converted(
        table, form, pandas_frames.from_arrow if form == "pandas" else library.from_arrow
    )


def with_plain_integers(table: pyarrow.Table) -> pyarrow.Table:
    """Integers of 128 bits travel as decimals, marked as such.

    In DuckDB every sum of integers is one; few are that large.
    """
    import pyarrow

    for place, field in enumerate(table.schema):
        if (field.metadata or {}).get(b"fal.type") in (b"HUGEINT", b"UHUGEINT"):
            with contextlib.suppress(pyarrow.ArrowInvalid):
                table = table.set_column(
                    place, field.name, table.column(place).cast(pyarrow.int64())
                )
    return table


def _imported(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise FalError(
            f"fal: {name} is not installed in this environment",
            help="Install it, or read with as_='arrow' or another form that is there.",
        ) from None
