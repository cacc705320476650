"""Any adapter: the type of a table's column for each type of Arrow, in the adapter's own names.

The names are those that dbt gives the columns of a seed (`convert_type`), and its macros `type_bigint` and `type_string`. Integers
of all widths become bigint, of 64 bits without sign numeric(20, 0). Floats become what seeds use for numbers with a fraction. Lists,
structs and maps become text, as JSON, an all-NULL column text. Nothing may be finer than a microsecond. Durations are refused:
no two warehouses have the same, and dbt names none.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError

from .connection import Connection
from .dialect import Dialect

if TYPE_CHECKING:
    import pyarrow as pa


class Types:
    """Names of types, asked of the adapter."""

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self._connection, self._dialect = connection, dialect

    def sql(self, name: str, type: pa.DataType) -> str:
        """`name` is the column's, for errors."""
        import pyarrow.types as t

        type = plain(type)
        if t.is_boolean(type):
            return self._of_seed("Boolean", True)
        if t.is_integer(type):
            return self._numeric(20, 0) if t.is_uint64(type) else self._macro("type_bigint")
        if t.is_floating(type):
            return self._of_seed("Number", Decimal("1.5"))
        if t.is_decimal(type):
            return self._numeric(type.precision, type.scale)
        if is_text(type) or t.is_null(type) or t.is_nested(type):
            return self._macro("type_string")
        if is_binary(type):
            return self._dialect.binary
        return self._of_time(name, type)

    def _of_time(self, name: str, type: pa.DataType) -> str:
        import pyarrow.types as t

        if t.is_date(type):
            return self._of_seed("Date", None)
        if t.is_time(type):
            return str(self._connection.adapter.convert_time_type(None, 0))
        if t.is_timestamp(type):
            if type.tz is None:
                return self._of_seed("DateTime", None)
            return self._dialect.zoned or self._macro("type_timestamp")
        raise SessionError(
            "gateway::type",
            f"The column `{name}` has the type {type}, for which the dbt adapter `{self._connection.adapter.type()}` has none",
            "Write it as a number or as text.",
        )

    def _of_seed(self, kind: str, value: Any) -> str:
        import agate

        table = agate.Table([[value]], ["x"], [getattr(agate, kind)()])
        return str(self._connection.adapter.convert_type(table, 0))

    def _macro(self, name: str) -> str:
        return str(self._connection.macro(name)).strip()

    def _numeric(self, precision: int, scale: int) -> str:
        return str(self._connection.adapter.Column.numeric_type("numeric", precision, scale))


def plain(type: Any) -> Any:
    """The type of the values themselves."""
    import pyarrow as pa
    import pyarrow.types as t

    if isinstance(type, pa.BaseExtensionType):
        # UUIDs are sixteen bytes in Arrow, and text to everybody else.
        return pa.string() if type.extension_name == "arrow.uuid" else plain(type.storage_type)
    if t.is_dictionary(type) or t.is_run_end_encoded(type):
        return plain(type.value_type)
    return type


def is_text(type: Any) -> bool:
    import pyarrow.types as t

    return t.is_string(type) or t.is_large_string(type) or _is_view(type, "string_view")


def is_binary(type: Any) -> bool:
    import pyarrow.types as t

    return (
        t.is_binary(type)
        or t.is_large_binary(type)
        or t.is_fixed_size_binary(type)
        or _is_view(type, "binary_view")
    )


def _is_view(type: Any, name: str) -> bool:
    # Older versions of pyarrow do not know them.
    return str(type) == name
