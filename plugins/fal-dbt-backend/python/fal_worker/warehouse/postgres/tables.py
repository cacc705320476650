"""Looks up what already has a table's name in PostgreSQL, and whether rows fit into it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fal_worker.errors import SessionError

from .connection import Connection, DatabaseError

_DEPENDED_ON = "2BP01"
# A value goes from one to another of them unchanged, or is refused.
_ALIKE = [
    {"smallint", "integer", "bigint"},
    {"text", "character varying"},
    {"real", "double precision"},
]


def fits(type: str, there: str) -> bool:
    """Whether a value goes from one to the other unchanged, or is refused by PostgreSQL."""
    # Text of limited length refuses what is longer.
    bare = there.partition("(")[0] if there.startswith("character varying") else there
    if type == "double precision" and bare == "real":
        return False
    # numeric without precision takes every number of digits.
    if bare == "numeric" and (type.startswith("numeric") or type in _ALIKE[0]):
        return True
    return type == there or any(type in alike and bare in alike for alike in _ALIKE)


# What dbt's materializations drop, by `relkind`; they know no other kinds.
_DROPPED = {"r": "table", "p": "table", "v": "view", "m": "materialized view"}
_OTHERS = {"f": "foreign table", "S": "sequence", "i": "index", "I": "index", "c": "composite type"}


@dataclass(frozen=True)
class TableColumn:
    """A column of an existing table, with its type as SQL."""

    name: str
    type: str


@dataclass(frozen=True)
class Table:
    """An existing relation."""

    relation: Any
    sql: str
    relkind: str
    columns: list[TableColumn] = field(default_factory=list)

    def check_replaceable(self) -> None:
        if self.relkind not in _DROPPED:
            kind = _OTHERS.get(self.relkind, "relation of another kind")
            raise SessionError(
                "gateway::other_kind",
                f"{self.relation} is a {kind}: it cannot be written as a table",
            )

    def check_columns(self, names: list[str]) -> None:
        """Whether rows with these columns can be appended."""
        if self.relkind not in ("r", "p"):
            message = (
                f"{self.relation} is a {_DROPPED[self.relkind]}: nothing can be appended to it"
            )
            raise SessionError("gateway::append_to_view", message, "Use mode='overwrite'.")
        known = {column.name for column in self.columns}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise SessionError(
                "gateway::unknown_columns",
                f"{self.relation} has no column {', '.join(f'`{name}`' for name in unknown)}",
                f"It has {', '.join(column.name for column in self.columns)}. Columns that are left out get their default, else NULL; "
                "mode='overwrite' makes the table anew.",
            )

    def takes(self, columns: list[TableColumn]) -> bool:
        """Whether rows of these columns, and of no others, fit in without a loss."""
        if self.relkind not in ("r", "p") or {column.name for column in self.columns} != {
            column.name for column in columns
        }:
            return False
        return all(fits(column.type, self.column(column.name).type) for column in columns)

    def column(self, name: str) -> TableColumn:
        return next(column for column in self.columns if column.name == name)


def look_up(connection: Connection, relation: Any) -> Table | None:
    """The relation of that name, or `None`."""
    sql = str(relation.include(database=False))
    kinds = connection.rows(
        f"select relkind::text from pg_class where oid = to_regclass({_literal(sql)})"
    )
    return Table(relation, sql, kinds[0][0], look_up_columns(connection, sql)) if kinds else None


def look_up_columns(connection: Connection, table: str) -> list[TableColumn]:
    rows = connection.rows(
        "select attname::text, format_type(atttypid, atttypmod) from pg_attribute "
        f"where attrelid = to_regclass({_literal(table)}) and attnum > 0 and not attisdropped order by attnum"
    )
    return [TableColumn(*row) for row in rows]


def drop(connection: Connection, table: Table, cascade: bool = True) -> None:
    """With `cascade` as dbt's table materialization drops what was there."""
    table.check_replaceable()
    try:
        connection.run(f"drop {_DROPPED[table.relkind]} {table.sql}{' cascade' * cascade}")
    except DatabaseError as error:
        if error.sqlstate != _DEPENDED_ON:
            raise
        message = f"{table.relation} has other columns now, so its table must be made anew, but more hangs on it: {error.message}"
        help = "Write the same columns as before, or drop what hangs on it, with it, yourself."
        raise SessionError("gateway::depended_on", message, help) from None


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
