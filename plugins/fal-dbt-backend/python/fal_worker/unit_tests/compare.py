"""Compares the rows of a model with those that a unit test expects.

Only the columns that the test names count, and not the order of the rows. An expected value is read
as the type of the model's column, as dbt casts it; numbers are compared by value, floating point
ones to nine digits; NaN is NULL.
"""

from __future__ import annotations

import bisect
import datetime
import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyarrow import types

from . import values
from .given import invalid_column

# How far apart numbers of floating point may be and still be equal, relative to their size; those
# of 32 bits have fewer digits.
_NEAR, _NEAR_32, _NEAR_ZERO = 1e-9, 1e-6, 1e-12
# More rows than anyone reads, and than daff compares in a moment.
_MOST_ROWS = 1000
_COLOUR = re.compile(r"\x1B(?:[@-Z\\-_]|\[[0-?]*[ -/]*[@-~])")

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Compared:
    """The rows of both sides as messages show them: NULL is None, everything else is text."""

    columns: list[str]
    expected: list[Row]
    actual: list[Row]

    @property
    def is_equal(self) -> bool:
        """Whether the same rows are there, each as often."""
        return Counter(self.expected) == Counter(self.actual)


def compare(expected: list[dict[str, Any]], actual: pa.Table) -> Compared:
    """Raises `SessionError` if the test names a column that the model does not give."""
    names = _columns(expected, actual)
    pairs = [
        _sides([row.get(name) for row in expected], actual.column(there))
        for name, there in names.items()
    ]
    order = [_order(wanted, found) for wanted, found in pairs]
    wanted = sorted(zip(*(side for side, _ in pairs)), key=lambda row: _key(row, order))
    found = sorted(zip(*(side for _, side in pairs)), key=lambda row: _key(row, order))
    return Compared(list(names), [*wanted], [*found])


def _columns(expected: list[dict[str, Any]], actual: pa.Table) -> dict[str, int]:
    """The columns that count, with their places in the model's rows.

    No rows, no names: then all of them.
    """
    there = actual.schema.names
    if not any(expected):
        return {name: place for place, name in enumerate(there)}
    found = {}
    for name in dict.fromkeys(name for row in expected for name in row):
        alike = [place for place, column in enumerate(there) if column == name]
        alike = alike or [
            place for place, column in enumerate(there) if column.lower() == name.lower()
        ]
        if len(alike) != 1:
            raise invalid_column(name, "expected output", there)
        found[name] = alike[0]
    return found


def _sides(expected: list[Any], actual: pa.ChunkedArray) -> tuple[list[Any], list[Any]]:
    kind = actual.type
    found = [_shown(value, kind) for value in _python(actual)]
    wanted = [_shown(_read(value, kind), kind) for value in expected]
    if types.is_floating(kind):
        found = _snapped(found, wanted, _NEAR if types.is_float64(kind) else _NEAR_32)
    return wanted, found


def _python(column: pa.ChunkedArray) -> list[Any]:
    """Values of a column; times to the microsecond, which is all that most warehouses keep."""
    kind = column.type
    if types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", "UTC" if kind.tz else None), safe=False)
    elif types.is_time(kind):
        column = column.cast(pa.time64("us"), safe=False)
    elif types.is_duration(kind):
        column = column.cast(pa.duration("us"), safe=False)
    elif types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    found = column.to_pylist()
    # Of 32 bits the shortest text that means the same number, as it is printed everywhere.
    return (
        [None if v is None else float(f"{v:.7g}") for v in found]
        if types.is_float32(kind)
        else found
    )


def _read(value: Any, kind: pa.DataType) -> Any:
    """An expected value as the type of the column; as it is, if it cannot be that."""
    if value is None:
        return None
    try:
        if types.is_boolean(kind):
            return values.boolean(value)
        if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
            return int(value) if isinstance(value, bool) else values.number(value)
        if types.is_date(kind):
            return values.date(value)
        if types.is_timestamp(kind):
            return values.timestamp(value, bool(kind.tz))
        if types.is_time(kind):
            return values.time(value)
        if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
            return values.binary(value)
        if types.is_nested(kind) and isinstance(value, str):
            return json.loads(value)
    except ValueError:
        return value
    return value


def _shown(value: Any, kind: pa.DataType) -> Any:
    """One text for all values that are equal."""
    if value is None or (isinstance(value, (float, Decimal)) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return values.text(value) if _is_text(kind) else str(value)
    if isinstance(value, (int, float, Decimal)):
        return values.text(value) if _is_text(kind) else _plain(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if types.is_map(kind) and isinstance(value, list):
        value = dict(value)
    if isinstance(value, (list, tuple, dict)):
        return _json(value)
    return str(value)


def _is_text(kind: pa.DataType) -> bool:
    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _plain(value: Any) -> str:
    """`1`, `1.0` and `1.00` are the same number."""
    number = Decimal(str(value))
    if not number.is_finite():
        return str(number)
    number = number.normalize() if number else Decimal(0)
    return format(number, "f") if -20 < number.adjusted() < 40 else str(number)


def _json(value: Any) -> str:
    return json.dumps(_simple(value), ensure_ascii=False, sort_keys=True, default=str)


def _simple(value: Any) -> Any:
    """With numbers that are equal by value written alike."""
    if isinstance(value, dict):
        return {str(key): _simple(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_simple(entry) for entry in value]
    if isinstance(value, (float, Decimal)):
        return (
            None
            if math.isnan(value)
            else int(value)
            if math.isfinite(value) and value == int(value)
            else float(value)
        )
    return value


def _snapped(found: list[Any], wanted: list[Any], near: float) -> list[Any]:
    """Each number as the expected one that it is near to, so that equality is all that is left to
    look at.
    """
    numbers = {float(text): text for text in wanted if _is_number(text)}
    known = sorted(numbers)
    return [_nearest(text, known, numbers, near) if text is not None else None for text in found]


def _nearest(text: str, known: list[float], numbers: dict[float, str], near: float) -> str:
    value = float(text)
    place = bisect.bisect_left(known, value)
    close = [
        candidate
        for candidate in known[max(0, place - 1) : place + 1]
        if math.isclose(candidate, value, rel_tol=near, abs_tol=_NEAR_ZERO)
    ]
    return numbers[min(close, key=lambda candidate: abs(candidate - value))] if close else text


def _is_number(text: Any) -> bool:
    try:
        return text is not None and not math.isnan(float(text))
    except ValueError:
        return False


def _order(*sides: list[Any]) -> Any:
    """How the values of a column are put in order: by value if all are numbers."""
    is_number = all(text is None or _is_number(text) for side in sides for text in side)
    return float if is_number else str


def _key(row: Row, order: list[Any]) -> list[Any]:
    return [
        (value is None, turn(value) if value is not None else turn())
        for turn, value in zip(order, row)
    ]


def rendered(compared: Compared) -> str:
    """The message of a test that failed: the difference as dbt prints it, without colours. daff,
    which comes with dbt, makes it.
    """
    expected, actual = compared.expected, compared.actual
    note = ""
    if max(len(expected), len(actual)) > _MOST_ROWS:
        expected, actual = _without_equal(expected, actual)
        left = max(len(expected), len(actual)) - _MOST_ROWS
        note = f"\n... and {left} more rows that differ\n" if left > 0 else ""
        expected, actual = expected[:_MOST_ROWS], actual[:_MOST_ROWS]
    table = _table(compared.columns, expected, actual)
    return f"\n\nactual differs from expected:\n\n{table}\n{note}"


def _table(columns: list[str], expected: list[Row], actual: list[Row]) -> str:
    try:
        import daff
    except ModuleNotFoundError:  # where dbt is a program elsewhere
        return _plain_table(columns, expected, actual)
    # dbt's own steps (`TestRunner._get_daff_diff` and `_render_daff_diff`), over rows that are in
    # order already.
    flags = daff.CompareFlags()
    flags.ordered = False
    before, after = (
        daff.PythonTableView([list(columns), *map(list, rows)]) for rows in (expected, actual)
    )
    diff = daff.TableDiff(daff.Coopy.compareTables(before, after, flags).align(), flags)
    found = daff.PythonTableView([])
    diff.hilite(found)
    text = _COLOUR.sub("", daff.TerminalDiffRender().render(found))
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n"))


def _plain_table(columns: list[str], expected: list[Row], actual: list[Row]) -> str:
    """The rows of one side alone, with daff's marks."""
    missing, more = _without_equal(expected, actual)
    marked = [
        ("@@", tuple(columns)),
        *(("---", row) for row in missing),
        *(("+++", row) for row in more),
    ]
    return "".join(
        ",".join([mark, *("NULL" if value is None else value for value in row)]) + "\n"
        for mark, row in marked
    )


def _without_equal(expected: list[Row], actual: list[Row]) -> tuple[list[Row], list[Row]]:
    wanted, found = Counter(expected), Counter(actual)
    return list((wanted - found).elements()), list((found - wanted).elements())
