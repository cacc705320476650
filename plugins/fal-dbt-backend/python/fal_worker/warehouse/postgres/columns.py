"""Decides what each column of a PostgreSQL result becomes in Arrow.

Unchanged: integers, floats, booleans, text in all forms, bytea, date, time, timestamp (timestamptz
in UTC), interval, and arrays of them. numeric(p, s) becomes a decimal. For numeric without
precision, and for arrays, the values decide (`measure.py`). The rest comes as text, with the type's
name in the field's metadata `fal.type`: uuid, json, jsonb, enums, ranges, composites, inet, bit,
timetz, ...
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fal_worker.warehouse.values import unfit

if TYPE_CHECKING:
    import pyarrow as pa

    from .connection import Connection

_PLAIN = frozenset(
    "int2 int4 int8 float4 float8 bool text varchar bpchar name char bytea date time timestamp timestamptz interval".split()
)
_JSON = frozenset(["json", "jsonb"])
# ADBC reads oid as a signed integer of 32 bits.
_CASTS = {"oid": "int8"}
# Below PostgreSQL's first day and first microsecond: what `infinity` turns into when its epoch
# becomes that of Arrow.
_FIRST_DAY = -2_440_588
FIRST_MICROSECOND = -210_866_803_200_000_000


@dataclass(frozen=True)
class Column:
    """A column of a result."""

    name: str
    # The type's name in `pg_type`, of the elements if it is an array.
    kind: str
    is_array: bool
    arrow: Any
    typmod: int

    @property
    def cast(self) -> str | None:
        """The type that the server must turn it into."""
        if self.kind in _PLAIN or self.kind in _JSON or self.kind == "numeric":
            return None
        return _CASTS.get(self.kind, "text") + ("[]" if self.is_array else "")

    @property
    def decimal(self) -> Any:
        """Arrow's type for numeric(p, s), if there is one."""
        import pyarrow as pa

        if self.kind != "numeric" or self.is_array or self.typmod < 0:
            return None
        precision, scale = _precision_and_scale(self.typmod)
        if precision <= 38:
            return pa.decimal128(precision, scale)
        return pa.decimal256(precision, scale) if precision <= 76 else None

    @property
    def depends_on_values(self) -> bool:
        return self.is_array or (self.kind == "numeric" and self.decimal is None)

    def field(self, type: Any) -> pa.Field:
        import pyarrow as pa

        plain = (
            self.kind in _PLAIN
            or self.kind in _CASTS
            or (self.kind == "numeric" and not _textual(type))
        )
        return pa.field(
            self.name,
            type,
            metadata=None if plain else {"fal.type": self.kind + "[]" * self.is_array},
        )


def columns(connection: Connection, schema: pa.Schema) -> list[Column]:
    """The columns that the driver describes."""
    return [_column(connection, field) for field in schema]


def _column(connection: Connection, field: pa.Field) -> Column:
    import pyarrow as pa

    metadata = field.metadata or {}
    kind = metadata.get(b"POSTGRESQL:type", b"").decode()
    if unnamed := re.fullmatch(r"unnamed<oid:(\d+)>", kind):
        kind = connection.rows(f"select format_type({unnamed[1]}, null)")[0][0]
        return Column(field.name, kind.removesuffix("[]"), kind.endswith("[]"), field.type, -1)
    typmod = int(metadata.get(b"POSTGRESQL:typmod", b"-1"))
    is_array = pa.types.is_list(field.type) and kind.startswith("_")
    return Column(field.name, kind[1:] if is_array else kind, is_array, field.type, typmod)


def _precision_and_scale(typmod: int) -> tuple[int, int]:
    """As PostgreSQL packs them; a scale may be negative, or above the precision."""
    packed = typmod - 4
    precision, scale = packed >> 16 & 0xFFFF, (packed & 0x7FF ^ 0x400) - 0x400
    return (precision - scale, 0) if scale < 0 else (max(precision, scale), scale)


def _textual(type: Any) -> bool:
    import pyarrow as pa

    while pa.types.is_list(type):
        type = type.value_type
    return bool(pa.types.is_string(type))


def storage(array: pa.Array) -> pa.Array:
    """The array without extension types, within lists too."""
    import pyarrow as pa

    if isinstance(array, pa.ExtensionArray):
        return array.storage
    if pa.types.is_list(array.type) and isinstance(array.type.value_type, pa.BaseExtensionType):
        return pa.ListArray.from_arrays(
            array.offsets, array.values.storage, mask=array.is_null() if array.null_count else None
        )
    return array


def stored(type: Any) -> Any:
    """The type of what `storage` gives."""
    import pyarrow as pa

    if isinstance(type, pa.BaseExtensionType):
        return type.storage_type
    return pa.list_(stored(type.value_type)) if pa.types.is_list(type) else type


def check(column: Column, array: pa.Array) -> None:
    """Refuses the dates and times that Arrow has no value for."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = array.values if pa.types.is_list(array.type) else array
    if column.kind == "date":
        first, values = _FIRST_DAY, values.cast(pa.int32())
    elif column.kind in ("timestamp", "timestamptz"):
        first, values = FIRST_MICROSECOND, values.cast(pa.int64())
    else:
        return
    lowest = pc.min(values).as_py()
    if lowest is not None and lowest < first:
        raise unfit(
            column.name,
            "`infinity`, or a time beyond the year 294246",
            f"nullif({column.name}, 'infinity')",
        )


def to_decimal(name: str, array: pa.Array, type: Any) -> pa.Array:
    import pyarrow as pa

    try:
        return array.cast(type)
    except pa.ArrowInvalid:
        refuse_special(name, array)
        raise


def refuse_special(name: str, array: pa.Array) -> None:
    """Refuses NaN and Infinity, which decimals do not have."""
    import pyarrow.compute as pc

    for special, text in (("nan", "NaN"), ("inf", "Infinity")):
        if pc.any(pc.match_substring(array, special)).as_py():
            raise unfit(
                name,
                f"the numeric `{text}`",
                f"nullif({name}, '{text}'), or {name}::double precision",
            )


class Digits:
    """Counts the digits before and after the decimal point."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._before = self._behind = 0

    def add(self, array: pa.Array) -> None:
        import pyarrow.compute as pc

        refuse_special(self._name, array)
        text = pc.utf8_ltrim(array, "-")
        point = pc.find_substring(text, ".")
        length = pc.binary_length(text)
        whole = pc.less(point, 0)
        self._before = max(self._before, pc.max(pc.if_else(whole, length, point)).as_py() or 0)
        behind = pc.if_else(whole, 0, pc.subtract(pc.subtract(length, point), 1))
        self._behind = max(self._behind, pc.max(behind).as_py() or 0)

    @property
    def type(self) -> Any:
        """The widest decimal, so that it depends on few values; text if no decimal holds all of
        them."""
        import pyarrow as pa

        digits = self._before + self._behind
        if digits <= 38:
            return pa.decimal128(38, self._behind)
        return pa.decimal256(76, self._behind) if digits <= 76 else pa.string()
