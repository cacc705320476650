"""`dtype=` in the warehouse's words. A type of SQLAlchemy comes as the names of its classes with the numbers it carries."""

from __future__ import annotations

from typing import Any

from fal_worker.errors import SessionError

from .column_dialects import of_cloud
from .type_names import is_type

# By the name of a class, as SQLAlchemy spells its generic types, those of SQL, and those of dialects; what stands in braces
# depends on the type's own numbers.
_COMMON = {
    "SmallInteger": "SMALLINT", "SMALLINT": "SMALLINT", "MEDIUMINT": "INTEGER", "Integer": "INTEGER", "INTEGER": "INTEGER",
    "BigInteger": "BIGINT", "BIGINT": "BIGINT", "REAL": "REAL", "Float": "{float}", "Numeric": "{decimal}",
    "Boolean": "BOOLEAN", "String": "{text}", "Interval": "INTERVAL", "INTERVAL": "INTERVAL", "_AbstractInterval": "INTERVAL",
    "Date": "DATE", "DateTime": "{timestamp}", "TIMESTAMP": "{timestamp}", "DATETIME": "{timestamp}", "Time": "{time}",
    "JSON": "JSON", "Uuid": "UUID", "UUID": "UUID", "ARRAY": "{array}",
}  # fmt: skip
_DUCKDB = {
    **_COMMON,
    "TINYINT": "TINYINT", "HUGEINT": "HUGEINT", "UTINYINT": "UTINYINT", "USMALLINT": "USMALLINT", "UINTEGER": "UINTEGER",
    "UBIGINT": "UBIGINT", "DOUBLE": "DOUBLE", "DOUBLE_PRECISION": "DOUBLE", "Double": "DOUBLE", "BIT": "BIT",
    "_Binary": "BLOB", "LargeBinary": "BLOB", "BYTEA": "BLOB",
}  # fmt: skip
_POSTGRES = {
    **_COMMON,
    "TINYINT": "SMALLINT", "DOUBLE": "DOUBLE PRECISION", "DOUBLE_PRECISION": "DOUBLE PRECISION", "Double": "DOUBLE PRECISION",
    "_Binary": "BYTEA", "LargeBinary": "BYTEA", "BYTEA": "BYTEA", "JSONB": "JSONB", "INET": "INET", "CIDR": "CIDR",
    "MACADDR": "MACADDR", "HSTORE": "HSTORE",
}  # fmt: skip
_DIALECTS = {"duckdb": _DUCKDB, "postgres": _POSTGRES}


def sql_types(adapter: str, dtype: dict[str, Any]) -> dict[str, str]:
    """SQL for the types that a job gave to columns; an error if one is more than a type."""
    return {column: _sql(adapter, column, _checked(column, kind)) for column, kind in dtype.items()}


def _checked(column: str, kind: Any) -> dict[str, Any]:
    """All numbers of a type become part of SQL."""
    numbers = ("length", "precision", "scale", "dimensions")
    if not isinstance(kind, dict) or not all(
        isinstance(kind.get(name), (int, type(None))) for name in numbers
    ):
        raise SessionError("gateway::dtype", f"dtype gives column `{column}` no type: {kind!r}")
    if "item" in kind:
        _checked(column, kind["item"])
    return kind


def _sql(adapter: str, column: str, kind: dict[str, Any]) -> str:
    if "sql" in kind:
        text = str(kind["sql"])
        if not is_type(adapter, text):
            message = (
                f"dtype gives column `{column}` the text {text!r}, which is no type of {adapter}"
            )
            raise SessionError(
                "gateway::dtype",
                message,
                "Write one type and nothing else, such as DECIMAL(10, 2) or VARCHAR[].",
            )
        return text
    if (sql := of_cloud(adapter, kind, lambda item: _sql(adapter, column, item))) is not None:
        return sql
    known = _DIALECTS.get(adapter, {})
    for name in kind.get("names", ()):
        if name in known:
            return (
                _array(adapter, column, kind)
                if known[name] == "{array}"
                else _filled(adapter, known[name], kind)
            )
    name = (kind.get("names") or ["?"])[0]
    raise SessionError(
        "gateway::dtype",
        f"dtype gives column `{column}` the type {name}, for which {adapter} has nothing known here",
        f"Write the type as SQL text instead: dtype={{'{column}': 'VARCHAR'}}",
    )


def _array(adapter: str, column: str, kind: dict[str, Any]) -> str:
    return _sql(adapter, column, kind["item"]) + "[]" * (kind.get("dimensions") or 1)


def _filled(adapter: str, sql: str, kind: dict[str, Any]) -> str:
    precision, zone = kind.get("precision"), "TZ" if kind.get("timezone") else ""
    if sql == "{text}":
        return f"VARCHAR({kind['length']})" if kind.get("length") is not None else "VARCHAR"
    if sql == "{decimal}":
        return _decimal(adapter, precision, kind.get("scale"))
    if sql == "{float}":
        return "REAL" if precision is not None and precision <= 24 else _DIALECTS[adapter]["Double"]
    return {"{timestamp}": f"TIMESTAMP{zone}", "{time}": f"TIME{zone}"}.get(sql, sql)


def _decimal(adapter: str, precision: int | None, scale: int | None) -> str:
    if precision is not None:
        return f"DECIMAL({precision}, {scale or 0})"
    # Exact, and as wide as there is: DuckDB alone would take DECIMAL for 18 digits, three of them behind the point.
    return f"DECIMAL(38, {10 if scale is None else scale})" if adapter == "duckdb" else "NUMERIC"
