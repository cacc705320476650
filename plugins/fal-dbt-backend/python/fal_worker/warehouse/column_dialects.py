"""`dtype=` in the words of the clouds, for types of SQLAlchemy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Dialect:
    """Words by the name of a class; what depends on a type's own numbers is by itself."""

    words: dict[str, str]
    # Without and with a time zone.
    timestamp: tuple[str, str]
    time: tuple[str, str]
    # Without and with a length.
    text: tuple[str, str]
    # Without and with digits.
    decimal: tuple[str, str]
    # Of four and of eight bytes.
    float: tuple[str, str]
    # Around the type of the items; `None` where there are no such arrays.
    array: str | None = None


_SAME = {
    "SmallInteger": "SMALLINT", "SMALLINT": "SMALLINT", "TINYINT": "SMALLINT", "MEDIUMINT": "INTEGER", "Integer": "INTEGER",
    "INTEGER": "INTEGER", "BigInteger": "BIGINT", "BIGINT": "BIGINT", "Boolean": "BOOLEAN", "Date": "DATE", "REAL": "REAL",
}  # fmt: skip


def _words(double: str, binary: str, json: str, uuid: str, **others: str) -> dict[str, str]:
    doubles = dict.fromkeys(("Double", "DOUBLE", "DOUBLE_PRECISION"), double)
    binaries = dict.fromkeys(("_Binary", "LargeBinary", "BYTEA"), binary)
    return {
        **_SAME,
        **doubles,
        **binaries,
        "JSON": json,
        "JSONB": json,
        "Uuid": uuid,
        "UUID": uuid,
        **others,
    }


_INT64 = {
    name: "INT64" for name, word in _SAME.items() if word.endswith("INT") or word == "INTEGER"
}
_DIGITS = ("DECIMAL(38, 10)", "DECIMAL({}, {})")
CLOUDS = {
    "snowflake": Dialect(
        _words("FLOAT", "BINARY", "VARIANT", "VARCHAR"), timestamp=("TIMESTAMP_NTZ", "TIMESTAMP_TZ"), time=("TIME", "TIME"),
        text=("VARCHAR", "VARCHAR({})"), decimal=("NUMBER(38, 10)", "NUMBER({}, {})"), float=("FLOAT", "FLOAT"),
    ),
    "bigquery": Dialect(
        _words("FLOAT64", "BYTES", "JSON", "STRING", Boolean="BOOL", REAL="FLOAT64", **_INT64), timestamp=("DATETIME", "TIMESTAMP"),
        time=("TIME", "TIME"), text=("STRING", "STRING"), decimal=("BIGNUMERIC", "BIGNUMERIC"), float=("FLOAT64", "FLOAT64"), array="ARRAY<{}>",
    ),
    "databricks": Dialect(
        _words("DOUBLE", "BINARY", "STRING", "STRING", TINYINT="TINYINT"), timestamp=("TIMESTAMP_NTZ", "TIMESTAMP"), time=("STRING", "STRING"),
        text=("STRING", "VARCHAR({})"), decimal=_DIGITS, float=("FLOAT", "DOUBLE"), array="ARRAY<{}>",
    ),
    "redshift": Dialect(
        _words("DOUBLE PRECISION", "VARBYTE(1000000)", "SUPER", "VARCHAR(36)"), timestamp=("TIMESTAMP", "TIMESTAMPTZ"), time=("TIME", "TIMETZ"),
        text=("VARCHAR(65535)", "VARCHAR({})"), decimal=_DIGITS, float=("REAL", "DOUBLE PRECISION"),
    ),
    "trino": Dialect(
        _words("DOUBLE", "VARBINARY", "JSON", "UUID", TINYINT="TINYINT"), timestamp=("TIMESTAMP(6)", "TIMESTAMP(6) WITH TIME ZONE"),
        time=("TIME(6)", "TIME(6) WITH TIME ZONE"), text=("VARCHAR", "VARCHAR({})"), decimal=_DIGITS, float=("REAL", "DOUBLE"),
    ),
}  # fmt: skip


def of_cloud(
    adapter: str, kind: dict[str, Any], item: Callable[[dict[str, Any]], str]
) -> str | None:
    """`None` if there is no word for it, or the adapter is no cloud's; `item` gives that of an array's items."""
    dialect = CLOUDS.get(adapter)
    if dialect is None:
        return None
    for name in kind.get("names", ()):
        if name == "ARRAY" and dialect.array is not None:
            sql = item(kind["item"])
            for _ in range(kind.get("dimensions") or 1):
                sql = dialect.array.format(sql)
            return sql
        if (word := dialect.words.get(name) or _with_numbers(dialect, name, kind)) is not None:
            return word
    return None


def _with_numbers(dialect: Dialect, name: str, kind: dict[str, Any]) -> str | None:
    precision, zoned = kind.get("precision"), bool(kind.get("timezone"))
    if name == "String":
        return (
            dialect.text[0]
            if kind.get("length") is None
            else dialect.text[1].format(kind["length"])
        )
    if name == "Numeric":
        return (
            dialect.decimal[0]
            if precision is None
            else dialect.decimal[1].format(precision, kind.get("scale") or 0)
        )
    if name == "Float":
        return dialect.float[precision is None or precision > 24]
    if name in ("DateTime", "TIMESTAMP", "DATETIME"):
        return dialect.timestamp[zoned]
    return dialect.time[zoned] if name == "Time" else None
