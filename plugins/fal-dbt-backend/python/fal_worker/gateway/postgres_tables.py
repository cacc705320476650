"""PostgreSQL: what stands in a table's place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fal_worker.session.errors import SessionError

from .postgres_connection import Connection

# What dbt's materializations drop, by `relkind`; they know no other kinds.
_DROPPED = {"r": "table", "p": "table", "v": "view", "m": "materialized view"}
_OTHERS = {"f": "foreign table", "S": "sequence", "i": "index", "I": "index", "c": "composite type"}


@dataclass(frozen=True)
class TableColumn:
    """A column that is there, with its type as SQL."""

    name: str
    type: str


@dataclass(frozen=True)
class Table:
    """A relation that is there."""

    relation: Any
    sql: str
    relkind: str
    columns: list[TableColumn] = field(default_factory=list)

    def check_replaceable(self) -> None:
        if self.relkind not in _DROPPED:
            kind = _OTHERS.get(self.relkind, "relation of another kind")
            raise SessionError("gateway::other_kind", f"{self.relation} is a {kind}: it cannot be written as a table")

    def check_columns(self, names: list[str]) -> None:
        """Whether rows with these columns can be appended."""
        if self.relkind not in ("r", "p"):
            message = f"{self.relation} is a {_DROPPED[self.relkind]}: nothing can be appended to it"
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

    def column(self, name: str) -> TableColumn:
        return next(column for column in self.columns if column.name == name)


def look_up(connection: Connection, relation: Any) -> Table | None:
    """`None` if there is none."""
    sql = str(relation.include(database=False))
    name = "'" + sql.replace("'", "''") + "'"
    kinds = connection.rows(f"select relkind::text from pg_class where oid = to_regclass({name})")
    if not kinds:
        return None
    columns = connection.rows(
        "select attname::text, format_type(atttypid, atttypmod) from pg_attribute "
        f"where attrelid = to_regclass({name}) and attnum > 0 and not attisdropped order by attnum"
    )
    return Table(relation, sql, kinds[0][0], [TableColumn(*column) for column in columns])


def drop(connection: Connection, table: Table) -> None:
    """As dbt's table materialization drops what was there."""
    table.check_replaceable()
    connection.run(f"drop {_DROPPED[table.relkind]} {table.sql} cascade")
