"""Values of unit tests, which YAML and CSV give without types, read as values of a type.

Raises `ValueError`.
"""

from __future__ import annotations

import datetime
import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = r"\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?"
_ZONE = r" ?(?:Z|UTC|[+-]\d\d(?::?\d\d)?)"
_TIMESTAMP = re.compile(rf"\d{{4}}-\d\d-\d\d[ T]{_TIME}")
_MOMENT = re.compile(rf"\d{{4}}-\d\d-\d\d[ T]{_TIME}{_ZONE}", re.IGNORECASE)
_REST = r"(\.\d*)?|\.\d+)(e[+-]?\d+)?"
_WHOLE, _ANY_WHOLE = re.compile(r"[+-]?(0|[1-9]\d*)"), re.compile(r"[+-]?\d+")
_NUMBER = re.compile(rf"[+-]?((0|[1-9]\d*){_REST}", re.IGNORECASE)
_ANY_NUMBER = re.compile(rf"[+-]?(\d+{_REST}", re.IGNORECASE)
_TRUTH = re.compile("true|false", re.IGNORECASE)
_WORDS = {
    "true": True,
    "t": True,
    "yes": True,
    "1": True,
    "false": False,
    "f": False,
    "no": False,
    "0": False,
}


def kind_of_text(value: str) -> str:
    """`date`, `timestamp`, `moment` (a timestamp with a zone) or `text`. dbt hands on dates of YAML
    as ISO text, so that quotes around them say nothing.
    """
    for kind, form in (("date", _DATE), ("timestamp", _TIMESTAMP), ("moment", _MOMENT)):
        if form.fullmatch(value):
            try:
                _moment(value)
            except ValueError:
                break
            return kind
    return "text"


def of_texts(texts: list[str | None], is_seed: bool = False) -> list[Any]:
    """The values of a column of CSV, where everything is text: whole numbers, numbers, or true and
    false if all of them are that, as dbt types a seed.

    Digits behind a leading zero stay text, unless dbt would load them as a number (`is_seed`).
    """
    present = [value for value in texts if value is not None]
    for is_one, read in (
        (_WHOLE if not is_seed else _ANY_WHOLE, int),
        (_NUMBER if not is_seed else _ANY_NUMBER, float),
        (_TRUTH, boolean),
    ):
        if present and all(is_one.fullmatch(value.strip()) for value in present):
            return [None if value is None else read(value.strip()) for value in texts]
    return list(texts)


def integer(value: Any) -> int:
    """A whole number."""
    found = number(value)
    if not found.is_finite() or found != found.to_integral_value():
        raise ValueError(f"{value!r} is no whole number")
    return int(found)


def number(value: Any) -> Decimal:
    """A number; the digits are kept as they are written."""
    if isinstance(value, (int, Decimal)):
        return Decimal(value)
    if isinstance(value, (float, str)):
        try:
            return Decimal(str(value).strip())
        except InvalidOperation:
            pass
    raise ValueError(f"{value!r} is no number")


def digits_behind_the_point(value: Any) -> int:
    """How many a number needs; none for what is no number."""
    try:
        exponent = number(value).as_tuple().exponent
    except ValueError:
        return 0
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def boolean(value: Any) -> bool:
    """True or false, as SQL reads it."""
    word = str(value).strip().lower()
    if word not in _WORDS:
        raise ValueError(f"{value!r} is neither true nor false")
    return _WORDS[word]


def date(value: Any) -> datetime.date:
    """A date; of a timestamp its date, if it says no other time than midnight."""
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    moment = _moment(value)
    if moment.time() != datetime.time():
        raise ValueError(f"{value!r} is no date")
    return moment.date()


def timestamp(value: Any, has_zone: bool) -> datetime.datetime:
    """A timestamp to the microsecond. Without a zone it is taken for UTC."""
    moment = _moment(value)
    utc = (
        moment.replace(tzinfo=datetime.timezone.utc)
        if moment.tzinfo is None
        else moment.astimezone(datetime.timezone.utc)
    )
    return utc if has_zone else utc.replace(tzinfo=None)


def time(value: Any) -> datetime.time:
    """A time of day."""
    if isinstance(value, datetime.time):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no time")  # noqa: TRY004 - callers expect one type
    return datetime.time.fromisoformat(_six_digits(value.strip()))


def binary(value: Any) -> bytes:
    """Bytes: text that begins with `\\x` by its hexadecimal digits, other text as UTF-8."""
    if isinstance(value, bytes):
        return value
    written = text(value)
    return bytes.fromhex(written[2:]) if written.startswith("\\x") else written.encode()


def text(value: Any) -> str:
    """The value as a database would cast it to text; lists and mappings as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return (
        json.dumps(value, ensure_ascii=False, default=str)
        if isinstance(value, (list, dict))
        else str(value)
    )


def _moment(value: Any) -> datetime.datetime:
    if isinstance(value, datetime.datetime):
        return value
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day)
    written = value.strip() if isinstance(value, str) else ""
    if not any(form.fullmatch(written) for form in (_DATE, _TIMESTAMP, _MOMENT)):
        raise ValueError(f"{value!r} is no date or timestamp in ISO form")
    # Before 3.11 Python reads fewer forms.
    written = re.sub(r" ?(?:Z|UTC)$", "+00:00", written, flags=re.IGNORECASE)
    if ":" in written:
        written = re.sub(
            r" ?([+-]\d\d):?(\d\d)?$", lambda found: f"{found[1]}:{found[2] or '00'}", written
        )
    return datetime.datetime.fromisoformat(_six_digits(written))


def _six_digits(written: str) -> str:
    return re.sub(r"\.(\d+)", lambda found: "." + found[1][:6].ljust(6, "0"), written)
