"""Writes a stream of Arrow into a table of DuckDB, in a transaction that stays open."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError

from .read import raising

if TYPE_CHECKING:
    import pyarrow as pa


def write(
    cursor: Any, relation: Any, reader: pa.RecordBatchReader, mode: str, types: dict[str, str]
) -> int:
    """Begins a transaction and writes. Returns the number of rows."""
    view = "_fal_" + uuid.uuid4().hex
    names = list(reader.schema.names)
    cursor.register(view, reader)
    cursor.execute("begin transaction")
    there = _columns(cursor, relation)
    # By position: DuckDB resolves names without regard to case.
    places = [f"c{place}" for place in range(len(names))]
    columns = [_cast(place, name, types) for place, name in zip(places, names)]
    if mode == "append" and there is not None:
        _check_columns(relation, names, there)
        columns = _kept(
            cursor,
            reader.schema,
            places,
            columns,
            [there.types[name.lower()] for name in names],
            names,
        )
    named = [f"{column} as {_quoted(name)}" for column, name in zip(columns, names)]
    rows = f"select {', '.join(named)} from {view} as rows({', '.join(places)})"
    if mode == "append" and there is not None:
        sql = f"insert into {relation} ({', '.join(map(_quoted, names))}) {rows}"
    else:
        if there is not None and there.is_view:
            cursor.execute(f"drop view {relation}")
        sql = f"create or replace table {relation} as {rows}"
    counted = cursor.execute(sql).fetchall()
    cursor.unregister(view)
    return int(counted[0][0]) if counted else 0


class _Columns(list[str]):
    """The columns of a relation that exists."""

    is_view = False
    # By name in small letters.
    types: dict[str, str]


def _columns(cursor: Any, relation: Any) -> _Columns | None:
    """The columns of a relation, or `None` if it does not exist."""
    where = {
        "table_catalog": relation.database,
        "table_schema": relation.schema,
        "table_name": relation.identifier,
    }
    where = {column: value for column, value in where.items() if value is not None}
    text = " and ".join(f"lower({column}) = lower(?)" for column in where)
    kinds = cursor.execute(
        f"select table_type from system.information_schema.tables where {text}",
        list(where.values()),
    ).fetchall()
    if not kinds:
        return None
    found = _Columns()
    found.is_view = any(kind == "VIEW" for (kind,) in kinds)
    if not found.is_view:
        sql = f"select column_name, data_type from system.information_schema.columns where {text} order by ordinal_position"
        rows = cursor.execute(sql, list(where.values())).fetchall()
        found.extend(name for name, _ in rows)
        found.types = {name.lower(): kind for name, kind in rows}
    return found


def _kept(
    cursor: Any,
    schema: pa.Schema,
    places: list[str],
    columns: list[str],
    targets: list[str],
    names: list[str],
) -> list[str]:
    """The columns, cast to the types of the existing table if no value changes by that.

    DuckDB itself would round. Text is parsed."""
    empty = "_fal_" + uuid.uuid4().hex
    cursor.register(empty, schema.empty_table())
    given = cursor.sql(
        f"select {', '.join(columns)} from {empty} as rows({', '.join(places)})"
    ).types
    cursor.unregister(empty)
    return [
        column if str(kind) in (target, "VARCHAR") else _checked(column, str(kind), target, name)
        for column, kind, target, name in zip(columns, given, targets, names)
    ]


def _checked(column: str, kind: str, target: str, name: str) -> str:
    message = f"The column `{name}` holds a value of {kind} that is another one in {target}, the type of the table"
    error = raising(
        message, "Round or convert it before, or write the table anew with mode='overwrite'."
    )
    return f"case when cast(cast({column} as {target}) as {kind}) is distinct from {column} then {error} else cast({column} as {target}) end"


def _check_columns(relation: Any, names: list[str], there: _Columns) -> None:
    if there.is_view:
        raise SessionError(
            "gateway::append_to_view",
            f"{relation} is a view: nothing can be appended to it",
            "Use mode='overwrite'.",
        )
    known = {name.lower() for name in there}
    unknown = [name for name in names if name.lower() not in known]
    if unknown:
        missing = ", ".join(f"`{name}`" for name in unknown)
        raise SessionError(
            "gateway::unknown_columns",
            f"{relation} has no column {missing}",
            f"It has {', '.join(there)}. Columns that are left out become NULL; mode='overwrite' makes the table anew.",
        )


def _cast(place: str, name: str, types: dict[str, str]) -> str:
    return f"cast({place} as {types[name]})" if name in types else place


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
