"""`dtype=` in the warehouse's words. A type of SQLAlchemy comes as the names of its classes with the numbers it carries."""

from __future__ import annotations

from typing import Any

from fal_worker.session.errors import SessionError

# By the name of a class, as SQLAlchemy spells its generic types, those of SQL, and those of dialects. `{}` is what the
# warehouse wants for the type's own numbers.
_DUCKDB = {
    "SmallInteger": "SMALLINT", "SMALLINT": "SMALLINT", "TINYINT": "TINYINT", "MEDIUMINT": "INTEGER",
    "Integer": "INTEGER", "INTEGER": "INTEGER", "BigInteger": "BIGINT", "BIGINT": "BIGINT", "HUGEINT": "HUGEINT",
    "UTINYINT": "UTINYINT", "USMALLINT": "USMALLINT", "UINTEGER": "UINTEGER", "UBIGINT": "UBIGINT",
    "REAL": "REAL", "Float": "{float}", "DOUBLE": "DOUBLE", "DOUBLE_PRECISION": "DOUBLE", "Double": "DOUBLE",
    "Numeric": "{decimal}", "NUMERIC": "{decimal}", "DECIMAL": "{decimal}",
    "Boolean": "BOOLEAN", "String": "{text}", "Interval": "INTERVAL", "INTERVAL": "INTERVAL", "_AbstractInterval": "INTERVAL",
    "Date": "DATE", "DateTime": "{timestamp}", "TIMESTAMP": "{timestamp}", "DATETIME": "{timestamp}", "Time": "{time}",
    "_Binary": "BLOB", "LargeBinary": "BLOB", "BYTEA": "BLOB", "JSON": "JSON", "JSONB": "JSON", "Uuid": "UUID", "UUID": "UUID",
    "BIT": "BIT", "ARRAY": "{array}",
}  # fmt: skip
_DIALECTS = {"duckdb": _DUCKDB}


def sql_types(adapter: str, dtype: dict[str, Any]) -> dict[str, str]:
    """SQL for the types that a job gave to columns."""
    return {column: _sql(adapter, column, kind) for column, kind in dtype.items()}


def _sql(adapter: str, column: str, kind: dict[str, Any]) -> str:
    if "sql" in kind:
        return str(kind["sql"])
    known = _DIALECTS.get(adapter, {})
    for name in kind.get("names", ()):
        if name in known:
            return _filled(adapter, column, known[name], kind)
    name = (kind.get("names") or ["?"])[0]
    raise SessionError(
        "gateway::dtype",
        f"dtype gives column `{column}` the type {name}, for which {adapter} has nothing known here",
        f"Write the type as SQL text instead: dtype={{'{column}': 'VARCHAR'}}",
    )


def _filled(adapter: str, column: str, sql: str, kind: dict[str, Any]) -> str:
    if sql == "{text}":
        return "VARCHAR" if kind.get("length") is None else f"VARCHAR({kind['length']})"
    if sql == "{decimal}":
        precision, scale = kind.get("precision"), kind.get("scale")
        # Numeric without numbers is exact and as wide as there is.
        return f"DECIMAL({precision or 38}, {scale if scale is not None else 0 if precision else 10})"
    if sql == "{float}":
        precision = kind.get("precision")
        return "REAL" if precision is not None and precision <= 24 else "DOUBLE"
    if sql == "{timestamp}":
        return "TIMESTAMPTZ" if kind.get("timezone") else "TIMESTAMP"
    if sql == "{time}":
        return "TIMETZ" if kind.get("timezone") else "TIME"
    if sql == "{array}":
        return _sql(adapter, column, kind["item"]) + "[]" * (kind.get("dimensions") or 1)
    return sql
