"""Cloud warehouses: each column of a frame as one that the warehouse takes, and the words for its
type.

What all of them share: integers are bigint, of 64 bits without sign decimal(20, 0); floats double
precision; a column without any value and UUIDs are text; nothing may be finer than a microsecond;
instants are in UTC; durations are refused. What a warehouse has no type for goes as text. Decimals
of more digits than it has must fit value by value.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.warehouse.dtypes import SqlTypes, names
from fal_worker.warehouse.generic.encode import is_binary, is_text, plain, simple
from fal_worker.warehouse.values import cast, fitted

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Words:
    """How a warehouse calls its types."""

    warehouse: str
    boolean: str = "boolean"
    integer: str = "bigint"
    double: str = "double"
    text: str = "varchar"
    binary: str = "binary"
    date: str = "date"
    # `None`: as text.
    time: str | None = "time"
    timestamp: str = "timestamp"
    zoned: str = "timestamp with time zone"
    # What a decimal of so many digits, so many of them behind the point, is called; `None` if it is
    # too wide.
    decimal: Callable[[int, int], str | None] = lambda precision, scale: (
        f"decimal({precision}, {scale})" if precision <= 38 else None
    )
    # The most digits of a decimal with so many behind the point, for those that are wider in Arrow;
    # `None` if there is none.
    widest: Callable[[int], int | None] = lambda scale: 38 if scale < 38 else None
    # The type of a list, struct or map; `None`: as JSON, in a column of the type `json`, else of
    # text.
    nested: Callable[[Any], str | None] = lambda _: None
    json: str | None = None
    # What makes a value of such a type of text, by the type in small letters; a cast would make
    # text in it.
    parse: Mapping[str, str] = field(default_factory=dict)


def dtype_types(
    words: Words,
    *,
    json: str,
    uuid: str,
    float: str,
    zoned_time: str | None = None,
    text: str = "VARCHAR({})",
    decimal: tuple[str, str] = SqlTypes.decimal,
    array: str | None = None,
    **others: str,
) -> SqlTypes:
    """The same names for `dtype=`, and those that no type of Arrow needs.

    `float` has four bytes, `text` a length; `others` are by the names of SQLAlchemy's classes."""
    double, time = words.double.upper(), (words.time or words.text).upper()
    named = names(double, words.binary.upper(), json, uuid, Boolean=words.boolean.upper(), **others)
    return SqlTypes(
        named,
        timestamp=(words.timestamp.upper(), words.zoned.upper()),
        time=(time, zoned_time or time),
        text=(words.text.upper(), text),
        decimal=decimal,
        float=(float, double),
        array=array,
    )


@dataclass(frozen=True)
class Column:
    """A column on its way into a table."""

    name: str
    # The table's type, and the one that the values have on the way.
    sql: str
    arrow: Any
    # Whether the type is the user's own word.
    given: bool = False
    # What makes a value of text, if it is JSON that the warehouse has a type for.
    parse: str | None = None
    # Without any value, for a column of whichever type.
    empty: bool = False

    def cast(self, sql: str) -> str:
        """A value of the type on the way, as one of the table's."""
        if self.empty:
            return f"cast(null as {self.sql})"
        return self.parse.format(sql) if self.parse else f"cast({sql} as {self.sql})"

    def encoded(self, array: pa.Array, before: int) -> pa.Array:
        """`before` is the number of rows ahead of it."""
        encoded: pa.Array = fitted(
            f"the type {self.sql}",
            self.name,
            before,
            array,
            lambda part: _encoded(part, self.arrow),
        )
        return encoded


def encoded_parts(
    columns: list[Column], reader: pa.RecordBatchReader, size: int
) -> Iterator[list[pa.Array]]:
    """The encoded columns of at most so many rows at a time."""
    before = 0
    for batch in reader:
        for start in range(0, batch.num_rows, size):
            part = batch.slice(start, size)
            yield [column.encoded(array, before) for column, array in zip(columns, part.columns)]
            before += part.num_rows


def columns(schema: pa.Schema, words: Words, given: dict[str, str]) -> list[Column]:
    return [_column(field.name, field.type, words, given.get(field.name)) for field in schema]


def _column(name: str, type: Any, words: Words, given: str | None) -> Column:
    import pyarrow.types as t

    type = plain(type)
    sql, arrow = _nested(type, words) if t.is_nested(type) else scalar(name, type, words)
    sql = given or sql
    return Column(
        name,
        sql,
        arrow,
        given is not None,
        words.parse.get(sql.lower()) if t.is_string(arrow) else None,
    )


def _nested(type: Any, words: Words) -> tuple[str, Any]:
    import pyarrow as pa

    sql = words.nested(type)
    return (words.json or words.text, pa.string()) if sql is None else (sql, inner(type, words))


def scalar(name: str, type: Any, words: Words) -> tuple[str, Any]:
    """The warehouse's word for a type without parts, and the type of Arrow on the way; `name` is
    for errors."""
    import pyarrow as pa
    import pyarrow.types as t

    if t.is_boolean(type):
        return words.boolean, pa.bool_()
    if t.is_integer(type):
        return (
            (words.decimal(20, 0) or words.text, pa.decimal128(20, 0))
            if t.is_uint64(type)
            else (words.integer, pa.int64())
        )
    if t.is_floating(type):
        return words.double, pa.float64()
    if t.is_decimal(type):
        return _decimal(name, type, words)
    if is_text(type) or t.is_null(type):
        return words.text, pa.string()
    if is_binary(type):
        return words.binary, pa.binary()
    return _of_time(name, type, words)


def _of_time(name: str, type: Any, words: Words) -> tuple[str, Any]:
    import pyarrow as pa
    import pyarrow.types as t

    if t.is_date(type):
        return words.date, pa.date32()
    if t.is_time(type):
        return (words.time, pa.time64("us")) if words.time else (words.text, pa.string())
    if t.is_timestamp(type):
        return (
            (words.zoned, pa.timestamp("us", "UTC"))
            if type.tz
            else (words.timestamp, pa.timestamp("us"))
        )
    raise SessionError(
        "gateway::type",
        f"The column `{name}` has the type {type}, for which {words.warehouse} has none",
        "Write it as a number or as text.",
    )


def _decimal(name: str, type: Any, words: Words) -> tuple[str, Any]:
    import pyarrow as pa

    # Digits ahead of the point that are always 0 are no digits to a warehouse.
    precision, scale = (
        (type.precision, type.scale) if type.scale >= 0 else (type.precision - type.scale, 0)
    )
    precision = max(precision, scale)
    sql = words.decimal(precision, scale)
    if sql is None:
        most = words.widest(scale)
        if most is None:
            message = f"The column `{name}` has the type {type}, with more digits behind the point than {words.warehouse} has"
            raise SessionError("gateway::type", message, "Round it, or write it as text.")
        precision, sql = most, words.decimal(most, scale)
    assert sql is not None
    return sql, (pa.decimal128 if precision <= 38 else pa.decimal256)(precision, scale)


def inner(type: Any, words: Words) -> Any:
    """The type of nested values, with the same rules at every level."""
    import pyarrow as pa
    import pyarrow.types as t

    type = plain(type)
    if t.is_struct(type):
        return pa.struct([pa.field(field.name, inner(field.type, words)) for field in type])
    if t.is_map(type):
        return pa.map_(inner(type.key_type, words), inner(type.item_type, words))
    if t.is_nested(type):
        return pa.list_(inner(type.value_type, words))
    return scalar("", type, words)[1]


def _encoded(array: pa.Array, target: Any) -> pa.Array:
    import pyarrow as pa
    import pyarrow.types as t

    array = simple(array)
    if t.is_nested(array.type) and not t.is_nested(target):
        return json_text(array)
    if array.type.equals(target):
        return array
    if t.is_time(array.type) and t.is_string(target):
        return pa.array(
            [None if value is None else value.isoformat() for value in array.to_pylist()], target
        )
    if t.is_floating(array.type) and not t.is_floating(target):
        raise pa.ArrowInvalid(f"{array.type} as {target}")
    return cast(array, target)


def json_text(array: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.types as t

    is_map = t.is_map(array.type)
    return pa.array(
        [
            None if value is None else _json(dict(value) if is_map else value)
            for value in array.to_pylist()
        ],
        pa.string(),
    )


def _json(value: Any) -> str:
    return json.dumps(_clean(value), ensure_ascii=False, allow_nan=False)


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _clean(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
