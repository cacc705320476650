"""Decides whether the values read are the values given.

Values are equal if they have the same canonical form, or if a documented conversion turns one into
the other. All conversions are listed here; every other difference is a change.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pandas as pd

from . import canonical


@dataclass(frozen=True)
class Place:
    """The route of a value: its library, its warehouse, and the form in which it is read."""

    carrier: str
    warehouse: str
    form: str


@dataclass(frozen=True)
class Conversion:
    """The documented conversion of one kind of value."""

    says: str
    given: str
    read: str
    # Whether the second value is the conversion's result for the first.
    holds: Callable[[Any, Any], bool]
    here: Callable[[Place], bool] = lambda place: True


def _as_interval(given: Any, read: Any) -> bool:
    months, days, rest = read[1]
    return bool(months == 0 and days * 86_400 * 10**9 + rest == given[1])


def _is_json(given: Any, read: Any) -> bool:
    try:
        return _alike_in_json(given, _parsed(read[1]))
    except ValueError:
        return False


def _parsed(text: str) -> Any:
    return canonical.of_value(json.loads(text, parse_float=Decimal))


def _alike_in_json(given: Any, read: Any) -> bool:
    if given == read or (given == ("struct", ()) and read == ("list", ())):
        return True  # Empty maps and empty lists look the same.
    if given is None or read is None:
        return False
    name, value = given[0], given[1] if len(given) > 1 else None
    if name == "number":
        # JSON has the shortest text that parses to the same double.
        return bool(
            read[0] == "number" and abs(read[1]) < 2**1024 and Fraction(float(read[1])) == value
        )
    if name == "minus zero":
        return bool(read == ("number", 0))
    if name == "list":
        same_length = read[0] == "list" and len(read[1]) == len(value)
        return same_length and all(map(_alike_in_json, value, read[1]))
    if name == "struct":
        pairs = dict(read[1]) if read[0] == "struct" else {}
        same_keys = read[0] == "struct" and dict(value).keys() == pairs.keys()
        return same_keys and all(_alike_in_json(one, pairs[key]) for key, one in value)
    if name == "map":
        return _alike_in_json(("list", tuple(("list", pair) for pair in value)), read)
    return bool(read[0] == "text" and _said(name, value, read[1]))


def _said(name: str, value: Any, text: str) -> bool:
    """Whether the text is the value's representation within JSON."""
    try:
        if name == "bytes":
            return text == "\\x" + value.hex()
        if name == "date":
            return canonical.of_value(dt.date.fromisoformat(text)) == (name, value)
        if name == "time":
            return canonical.of_value(dt.time.fromisoformat(text)) == (name, value)
        if name in ("timestamp", "instant"):
            return canonical.of_value(pd.Timestamp(text)) == (name, value)
        if name == "interval":
            months, days, seconds = re.fullmatch(
                r"(\S+) mons (\S+) days (\S+) seconds", text
            ).groups()
            return (int(months), int(days), Decimal(seconds) * 10**9) == tuple(value)
        if name == "duration":
            return bool(Decimal(text.removesuffix(" seconds")) * 10**9 == value)
    except (ValueError, ArithmeticError, AttributeError):
        return False
    return text == str(value)


def _is_postgres(place: Place) -> bool:
    return place.warehouse == "postgres"


def _same_text(given: Any, read: Any) -> bool:
    return bool(given[1] == read[1])


def _same_range(given: Any, read: Any) -> bool:
    """Compares ranges: pandas turns the integers of categories into floats where a value is
    missing.
    """
    one, other = (re.sub(r"\.0(?=[,\])])", "", text) for text in (given[1], read[1]))
    return bool(one == other)


CONVERSIONS = [
    Conversion(
        "in a column of floats pandas has NaN for NULL",
        "NULL",
        "nan",
        lambda *_: True,
        lambda place: place.form == "pandas",
    ),
    Conversion("a UUID is read as text", "uuid", "text", _same_text),
    Conversion("a duration is an interval", "duration", "interval", _as_interval),
    *(
        Conversion(
            f"a {kind} may be jsonb, which is read as text", kind, "text", _is_json, _is_postgres
        )
        for kind in ("struct", "list", "map")
    ),
    Conversion(
        "JSON is read as text",
        "json",
        "text",
        lambda given, read: _parsed(given[1]) == _parsed(read[1]),
    ),
    Conversion("a Period of pandas is text", "period", "text", _same_text),
    Conversion("an Interval of pandas is text", "range", "text", _same_range),
]


def difference(given: list[Any], read: list[Any], place: Place) -> str | None:
    """Where two columns of canonical forms differ, or `None` if they are equal."""
    if len(given) != len(read):
        return f"{len(read)} rows instead of {len(given)}"
    for row, (one, other) in enumerate(zip(given, read), 1):
        if not _same(one, other, place):
            return f"row {row}: {_shown(one)} was read as {_shown(other)}"
    return None


def _same(given: Any, read: Any, place: Place) -> bool:
    if given == read:
        return True
    if _name(given) == _name(read) == "list":
        return len(given[1]) == len(read[1]) and all(
            _same(one, other, place) for one, other in zip(given[1], read[1])
        )
    if _name(given) == _name(read) == "struct":
        # A field may be missing because it is NULL.
        before, after = dict(given[1]), dict(read[1])
        return all(
            _same(before.get(key), after.get(key), place) for key in before.keys() | after.keys()
        )
    names = (_name(given), _name(read))
    return any(
        names == (c.given, c.read) and c.here(place) and c.holds(given, read) for c in CONVERSIONS
    )


def _name(form: Any) -> str:
    return "NULL" if form is None else str(form[0])


def _shown(form: Any) -> str:
    text = str(form)
    return text if len(text) < 200 else text[:200] + "..."
