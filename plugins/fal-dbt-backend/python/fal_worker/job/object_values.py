"""The Python objects in a column of pandas: whether all of them are of one kind, whatever their
order, and what pyarrow would change.

pyarrow takes the type of a column from the first values that it meets, and makes the later ones
fit: a datetime after a date loses its time, `True` after 1.5 becomes 1.0. Here the kinds of all
values are compared first. A column of two kinds is refused, except for integers beside floats or
decimals, if each integer keeps its value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from typing import Any

from .error import FalError

# By the names of classes, from the most special one: numpy and pandas need not be imported.
_KINDS = {
    "bool": "bool", "bool_": "bool", "int": "int", "integer": "int", "float": "float", "floating": "float", "Decimal": "decimal",
    "str": "text", "bytes": "bytes", "bytearray": "bytes", "memoryview": "bytes", "datetime64": "datetime64", "timedelta64": "duration",
    "datetime": "datetime", "date": "date", "time": "time", "timedelta": "duration", "UUID": "uuid", "MonthDayNano": "interval",
    "DateOffset": "interval", "list": "list", "tuple": "list", "ndarray": "array", "dict": "dict", "Period": "label", "Interval": "label",
    "NoneType": "", "NAType": "", "NaTType": "",
    # No double has all of its digits.
    "longdouble": "longdouble",
}  # fmt: skip
_KNOWN = frozenset(_KINDS.values()) - {"longdouble"}
_SPANS = {
    "years",
    "months",
    "weeks",
    "days",
    "hours",
    "minutes",
    "seconds",
    "microseconds",
    "nanoseconds",
}
GEOMETRY = (
    "Write it as text or bytes: .to_wkt() or .to_wkb() of geopandas, .wkt or .wkb of shapely."
)
# Of the elements of numpy's arrays.
_DTYPES = {
    "b": "bool",
    "i": "int",
    "u": "int",
    "f": "float",
    "U": "text",
    "S": "bytes",
    "M": "datetime64",
    "m": "duration",
}
_FINE = ({"int", "decimal"}, {"list", "array"})


def _kind_of(cls: type) -> str:
    """The kind of a type's values; "" for pandas' missing values."""
    return next(
        (_KINDS[base.__name__] for base in cls.__mro__ if base.__name__ in _KINDS), cls.__name__
    )


kind_of: Callable[[type], str] = lru_cache(maxsize=1024)(_kind_of)


def types_of(values: Iterable[Any]) -> set[type]:
    """The types of all values that are not missing."""
    return {each for each in set(map(type, values)) if kind_of(each)}


def check(column: str, values: list[Any], given: list[Any]) -> None:
    """Raises `FalError` with the column and the first row that does not go with those before it;
    `given` is what the user has.
    """
    found = _fault(values, False)
    if found is None:
        return
    row = first(lambda part: _fault(part, False) is not None, values)
    what, help = _fault(values[: row + 1], False) or found
    raise refusal(column, what, row, given[row], help)


def refusal(column: str, what: str, row: int, value: Any, help: str) -> FalError:
    return FalError(
        f"fal: column {column!r} {what}: row {row + 1} is {_shown(value)}", "worker::value", help
    )


def first(fails: Callable[[list[Any]], bool], values: list[Any]) -> int:
    """The place of the first value with which the values so far fail."""
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fails(values[:middle]) else (middle, high)
    return low


def _fault(values: list[Any], nested: bool) -> tuple[str, str] | None:
    """The reason why the values cannot be one column, and a remedy."""
    types = types_of(values)
    if len(types) > 1 and not any(map(_is_number, values)):
        types = {
            each for each in types if kind_of(each) != "float"
        }  # only NaN, which is a missing value
    kinds = set(map(kind_of, types))
    for each in types:
        if kind_of(each) not in _KNOWN:
            help = (
                GEOMETRY
                if hasattr(each, "__geo_interface__")
                else "Write them as text, numbers or dates."
            )
            return f"holds values of type {each.__name__}, which no table can hold", help
    if len(kinds) > 1 and kinds not in _FINE:
        if kinds != {"int", "float"}:
            return f"mixes values of several types, {_listed(types)}", "Give all of them one type."
        if not all(map(_is_double, values)):
            return (
                "mixes floats with integers that no float can hold",
                "Write them as decimal.Decimal, or all as text.",
            )
    if not types:
        return None
    if kinds <= {"list", "array"}:
        return _fault_of_lists(types, values)
    if kinds == {"dict"}:
        return _fault_of_dicts([value for value in values if type(value) in types])
    return _fault_of_times(types, kinds, values, nested)


def _fault_of_lists(types: set[type], values: list[Any]) -> tuple[str, str] | None:
    lists = [value for value in values if type(value) in types]
    arrays = (
        [value for value in lists if kind_of(type(value)) == "array"]
        if any(kind_of(each) == "array" for each in types)
        else []
    )
    dtypes = {array.dtype for array in arrays}
    if (
        len(dtypes) == 1
        and len(arrays) == len(lists)
        and all(dtype.kind in _DTYPES and dtype.char != "g" for dtype in dtypes)
    ):
        return None
    if arrays:
        lists = [value.tolist() if kind_of(type(value)) == "array" else value for value in lists]
    return _fault(list(chain.from_iterable(lists)), True)


def _fault_of_dicts(dicts: list[dict[Any, Any]]) -> tuple[str, str] | None:
    keys = dict.fromkeys(chain.from_iterable(dicts))
    if not all(isinstance(key, str) for key in keys):
        return "holds dicts with keys that are no text", "Make text of the keys."
    if any("\0" in key for key in keys):
        return "holds dicts with the character NUL in a key", "Remove it."
    for key in keys:
        fault = _fault([each[key] for each in dicts if key in each], True)
        if fault is not None:
            return f"{fault[0]} (at the key {key!r} of its dicts)", fault[1]
    return None


def _fault_of_times(
    types: set[type], kinds: set[str], values: list[Any], nested: bool
) -> tuple[str, str] | None:
    """Also of decimals, the other values that may be none."""
    if "time" in kinds and any(
        value.tzinfo is not None for value in values if type(value) in types
    ):
        return (
            "holds times of day with a time zone, which would be lost",
            "Write them as text, for example with .isoformat().",
        )
    if (
        "datetime" in kinds
        and len({value.tzinfo is None for value in values if type(value) in types}) > 1
    ):
        return (
            "mixes datetimes with and without a time zone",
            "Give all of them one, or none: tz_localize or tz_convert of pandas does it.",
        )
    if "decimal" in kinds and any(
        value.is_infinite() or value.is_snan() for value in values if isinstance(value, Decimal)
    ):
        return "holds decimals that are no number", "Write floats, or None, in their place."
    if "interval" in kinds and not all(
        _is_interval(value) for value in values if type(value) in types
    ):
        return (
            "holds offsets of pandas that are no interval",
            "Write text, or intervals of months, days and seconds, in their place.",
        )
    if nested and has_finer(types, values):
        return (
            "holds nanoseconds within lists or dicts, which would be lost",
            "Round them, for example with .floor('us').",
        )
    if nested and kinds & {"datetime64", "label"}:
        return (
            f"holds {_listed(types)} within lists or dicts",
            "Write datetime.datetime or text in their place.",
        )
    return None


def has_finer(types: set[type], values: list[Any]) -> bool:
    """Whether one has a part below a microsecond: only values of pandas can."""
    fine = {each for each in types if hasattr(each, "nanosecond") or hasattr(each, "nanoseconds")}
    return bool(fine) and any(
        getattr(value, "nanosecond", 0) or getattr(value, "nanoseconds", 0)
        for value in values
        if type(value) in fine
    )


def _is_interval(value: Any) -> bool:
    """Of an offset pyarrow takes the parts of one that adds, and nothing else."""
    return isinstance(value, tuple) or (
        value.n == 1 and not value.normalize and bool(value.kwds) and set(value.kwds) <= _SPANS
    )


def _is_number(value: Any) -> bool:
    return kind_of(type(value)) == "float" and value == value


def _is_double(value: Any) -> bool:
    """Whether it is one, or an integer with the same value."""
    if kind_of(type(value)) != "int":
        return True
    try:
        return int(float(value)) == int(value)
    except OverflowError:
        return False


def _listed(types: set[type]) -> str:
    return " and ".join(sorted(each.__name__ for each in types))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
