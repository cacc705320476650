"""The table that is written and its two companions, by dbt's own names.

While a table is written, the new one is `NAME__fal_tmp`. While they are swapped, the old one is
`NAME__fal_backup`.
"""

from __future__ import annotations

from typing import Any

from fal_worker.errors import SessionError

from .connection import Connection

_STAGE, _BACKUP = "__fal_tmp", "__fal_backup"


class Tables:
    """One relation and its two companions, on one connection."""

    def __init__(self, connection: Connection, relation: Any) -> None:
        self._connection, self._adapter = connection, connection.adapter
        self.relation = relation.incorporate(type="table")
        self.stage = self._named("make_intermediate_relation", suffix=_STAGE)
        self.backup = self._named(
            "make_backup_relation", suffix=_BACKUP, backup_relation_type="table"
        )

    def make_schema(self) -> None:
        """If it is not there.

        Asks first: a user may write into a schema without the right to make one."""
        relation = self.relation
        database = (
            str(relation.include(database=True, schema=False, identifier=False))
            if relation.database
            else None
        )
        with self._connection.failures():
            there = {str(name).lower() for name in self._adapter.list_schemas(database)}
            if str(relation.schema).lower() not in there:
                self._adapter.create_schema(relation)
        self._connection.commit()

    def look_up(self, relation: Any) -> Any:
        """The relation that has the name now, whatever dbt's cache says; `None` if there is none."""
        with self._connection.failures():
            listed = self._adapter.list_relations_without_caching(relation.without_identifier())
        alike = [each for each in listed if each.identifier.lower() == relation.identifier.lower()]
        same = [each for each in alike if each.identifier == relation.identifier]
        return next(iter(same or alike), None)

    def recover(self) -> None:
        """Gives the old table its name back if a process ended between the two renamings of a swap."""
        backup = self.look_up(self.backup)
        if backup is not None and self.look_up(self.relation) is None:
            self.rename(backup, self.relation)
        self._connection.commit()

    def check_append(self, there: Any, names: list[str]) -> list[Any]:
        """The columns of the table, if rows with these columns can be appended."""
        if str(there.type) != "table":
            message = f"{self.relation} is a {there.type}: nothing can be appended to it"
            raise SessionError("gateway::append_to_view", message, "Use mode='overwrite'.")
        with self._connection.failures():
            columns = self._adapter.get_columns_in_relation(there)
        known = {column.name.lower() for column in columns}
        if unknown := [name for name in names if name.lower() not in known]:
            raise SessionError(
                "gateway::unknown_columns",
                f"{self.relation} has no column {', '.join(f'`{name}`' for name in unknown)}",
                f"It has {', '.join(column.name for column in columns)}. Columns that are left out get their default, else NULL; "
                "mode='overwrite' makes the table anew.",
            )
        return list(columns)

    def rename(self, old: Any, new: Any) -> None:
        with self._connection.failures():
            self._adapter.cache_dropped(new)
            self._adapter.rename_relation(old, new.incorporate(type=old.type))

    def drop(self, relation: Any) -> None:
        """Drops a relation if it exists."""
        if (there := self.look_up(relation)) is not None:
            self.drop_there(there)

    def drop_there(self, relation: Any) -> None:
        """Drops a relation by the adapter's macro."""
        with self._connection.failures():
            self._adapter.drop_relation(relation)

    def alike(self, one: Any, other: Any) -> bool:
        """Whether two tables have the same columns."""
        with self._connection.failures():
            both = [self._adapter.get_columns_in_relation(each) for each in (one, other)]
        return (
            len({tuple((column.name, column.dtype) for column in columns) for columns in both}) == 1
            and str(one.type) == "table"
        )

    def _named(self, macro: str, **arguments: Any) -> Any:
        return self._connection.macro(macro, base_relation=self.relation, **arguments)
