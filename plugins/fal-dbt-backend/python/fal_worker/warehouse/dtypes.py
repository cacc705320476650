"""Translates `dtype=` into a warehouse's SQL types.

A type of SQLAlchemy arrives as the names of its classes, most special first, with the numbers it
carries. A type given as SQL becomes part of statements, so it must be one type and nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError

if TYPE_CHECKING:
    from .interface import Facts

# Types that most warehouses call alike, by the names of SQLAlchemy's classes.
_COMMON = {
    "SmallInteger": "SMALLINT", "SMALLINT": "SMALLINT", "TINYINT": "SMALLINT", "MEDIUMINT": "INTEGER", "Integer": "INTEGER",
    "INTEGER": "INTEGER", "BigInteger": "BIGINT", "BIGINT": "BIGINT", "Boolean": "BOOLEAN", "Date": "DATE", "REAL": "REAL",
}  # fmt: skip
# The classes of integers, for warehouses that have only one integer type.
INTEGERS = tuple(name for name, word in _COMMON.items() if word.endswith(("INT", "INTEGER")))
_NUMBERS = ("length", "precision", "scale", "dimensions")


@dataclass(frozen=True)
class SqlTypes:
    """A warehouse's names of the types that `dtype=` can ask for."""

    # Types without numbers, by the name of a class; `names` makes them.
    words: Mapping[str, str]
    # Without and with a time zone.
    timestamp: tuple[str, str] = ("TIMESTAMP", "TIMESTAMPTZ")
    time: tuple[str, str] = ("TIME", "TIMETZ")
    # Without and with a length.
    text: tuple[str, str] = ("VARCHAR", "VARCHAR({})")
    # Without and with a precision. The first may use `scale`, which is 10 unless the type has one.
    decimal: tuple[str, str] = ("DECIMAL(38, 10)", "DECIMAL({precision}, {scale})")
    # Of four and of eight bytes.
    float: tuple[str, str] = ("REAL", "DOUBLE")
    # Wraps the type of the items; `None` if there are no such arrays.
    array: str | None = None


def names(double: str, binary: str, json: str, uuid: str, **others: str) -> dict[str, str]:
    """The `words` of a warehouse: the common ones, these, and `others` by the name of a class."""
    doubles = dict.fromkeys(("Double", "DOUBLE", "DOUBLE_PRECISION"), double)
    binaries = dict.fromkeys(("_Binary", "LargeBinary", "BYTEA"), binary)
    more = {"JSON": json, "JSONB": json, "Uuid": uuid, "UUID": uuid}
    return {**_COMMON, **doubles, **binaries, **more, **others}


def sql_types(adapter: str, facts: Facts, dtype: Mapping[str, Any]) -> dict[str, str]:
    """SQL for the types that a job gave to columns.

    Raises `SessionError` where one is more than a type."""
    return {
        column: _sql(adapter, facts, column, _checked(column, kind))
        for column, kind in dtype.items()
    }


def _checked(column: str, kind: Any) -> dict[str, Any]:
    """The description of a type, whose numbers are numbers: they become part of SQL."""
    if not isinstance(kind, dict) or not all(
        isinstance(kind.get(name), (int, type(None))) for name in _NUMBERS
    ):
        raise SessionError("gateway::dtype", f"dtype gives column `{column}` no type: {kind!r}")
    if "item" in kind:
        _checked(column, kind["item"])
    return kind


def _sql(adapter: str, facts: Facts, column: str, kind: dict[str, Any]) -> str:
    if "sql" in kind:
        text = str(kind["sql"])
        if not facts.is_type(text):
            raise SessionError(
                "gateway::dtype",
                f"dtype gives column `{column}` the text {text!r}, which is no type of {adapter}",
                "Write one type and nothing else, such as DECIMAL(10, 2) or VARCHAR[].",
            )
        return text
    types = facts.types
    for name in kind.get("names", ()) if types is not None else ():
        assert types is not None
        if name == "ARRAY" and types.array is not None:
            sql = _sql(adapter, facts, column, kind["item"])
            for _ in range(kind.get("dimensions") or 1):
                sql = types.array.format(sql)
            return sql
        if (word := types.words.get(name) or _with_numbers(types, name, kind)) is not None:
            return word
    name = (kind.get("names") or ["?"])[0]
    raise SessionError(
        "gateway::dtype",
        f"dtype gives column `{column}` the type {name}, for which fal knows no type of {adapter}",
        f"Write the type as SQL text instead: dtype={{'{column}': 'VARCHAR'}}",
    )


def _with_numbers(types: SqlTypes, name: str, kind: dict[str, Any]) -> str | None:
    precision, scale, length = kind.get("precision"), kind.get("scale"), kind.get("length")
    zoned = bool(kind.get("timezone"))
    if name == "String":
        return types.text[0] if length is None else types.text[1].format(length)
    if name == "Numeric":
        if precision is None:
            return types.decimal[0].format(scale=10 if scale is None else scale)
        return types.decimal[1].format(precision=precision, scale=scale or 0)
    if name == "Float":
        return types.float[precision is None or precision > 24]
    if name in ("DateTime", "TIMESTAMP", "DATETIME"):
        return types.timestamp[zoned]
    return types.time[zoned] if name == "Time" else None


# Names, numbers, and signs that occur within types; no text in single quotes, no comment, no end
# of a statement.
_TOKEN = re.compile(
    r"""\s+ | (?P<word>[^\W\d]\w*) | "(?:[^"\\]|"")+" | `[^`\\]+` | [0-9]+ | [,.:%] | (?P<open>[(<\[]) | (?P<close>[)>\]])""",
    re.VERBOSE,
)
_PAIRS = {"(": ")", "<": ">", "[": "]"}
# Keywords of column definitions and statements that no type contains.
_REFUSED = {
    "as", "autoincrement", "by", "cascade", "check", "collate", "constraint", "default", "delete", "drop", "from", "generated", "identity",
    "insert", "into", "key", "masking", "not", "null", "on", "policy", "primary", "references", "select", "unique", "update", "using", "where",
}  # fmt: skip


def looks_like_type(text: str) -> bool:
    """Whether a text has the shape of one type and nothing more; the server parses it when it runs."""
    position, opened, began = 0, list[str](), False
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            return False
        position = token.end()
        if token["open"]:
            opened.append(_PAIRS[token["open"]])
        elif token["close"] and (not opened or opened.pop() != token["close"]):
            return False
        # A comma outside of brackets would begin another column.
        if (token[0] == "," and not opened) or (token["word"] or "").lower() in _REFUSED:
            return False
        if not began and not token[0].isspace():
            # A type begins with a name.
            if not (token["word"] or token[0][0] in '"`'):
                return False
            began = True
    return began and not opened
