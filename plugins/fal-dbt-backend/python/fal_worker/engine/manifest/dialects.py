"""What differs between the databases in the statements that make a Python model's table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fal_worker.errors import SessionError


@dataclass(frozen=True)
class Column:
    """A column of a table that exists."""

    name: str
    type: str
    # Equal for types that a contract takes for one.
    in_contract: str = ""

    @property
    def quoted(self) -> str:
        return quoted(self.name)


class DuckDB:
    """As dbt-duckdb does it."""

    def kind(self, handle: Any, relation: Any) -> str | None:
        """Returns `table`, `view`, or `None` if there is no such relation."""
        where = {
            "table_catalog": relation.database,
            "table_schema": relation.schema,
            "table_name": relation.identifier,
        }
        text = " and ".join(
            f"lower({column}) = lower({literal(value)})"
            for column, value in where.items()
            if value is not None
        )
        kinds = handle.rows(f"select table_type from system.information_schema.tables where {text}")
        return None if not kinds else "view" if kinds[0][0] == "VIEW" else "table"

    def columns(self, handle: Any, relation: Any) -> list[Column]:
        rows = handle.rows(f"select column_name, column_type from (describe {relation})")
        return [Column(name, type, type) for name, type in rows]

    def drop(self, kind: str, relation: Any) -> str:
        return f"drop {kind} if exists {relation} cascade"

    def widened(self, source: Column, target: Column) -> str | None:
        """Text has no length."""
        return None

    def differ(self, source: Column, target: Column) -> bool:
        return source.type != target.type

    def add_and_drop(self, relation: Any, added: list[Column], dropped: list[Column]) -> list[str]:
        """One statement for each column, as DuckDB wants it."""
        return [
            *(f"alter table {relation} add column {c.quoted} {c.type}" for c in added),
            *(f"alter table {relation} drop column {c.quoted}" for c in dropped),
        ]

    def default_strategy(self, unique_key: list[str]) -> str:
        return "delete+insert"

    def delete(self, target: Any, source: Any, key: list[str], predicates: list[str]) -> str:
        if len(key) == 1:
            where = [f"({key[0]}) in (select ({key[0]}) from {source})", *predicates]
            return f"delete from {target} where {' and '.join(where)}"
        where = [f"fal_source.{name} = DBT_INCREMENTAL_TARGET.{name}" for name in key]
        return (
            f"delete from {target} as DBT_INCREMENTAL_TARGET using {source} as fal_source "
            f"where ({' and '.join([*where, *predicates])})"
        )

    def merge(self, target: Any, source: Any, on: list[str], config: Any, columns: list[Column]) -> str:  # fmt: skip
        using = texts_of(config.merge_on_using_columns)
        joined = f"using ({', '.join(using)})" if using else f"on (({') and ('.join(on)}))"
        expressions = config.get("merge_update_set_expressions") or {}
        if config.merge_update_columns or config.merge_exclude_columns or expressions:
            names = [c for c in updated(config, columns) if c.strip("\"'") not in expressions]
            sets = [f"{name} = {expression}" for name, expression in expressions.items()]
            sets += [f"{name} = DBT_INTERNAL_SOURCE.{name}" for name in names]
            update = "update set " + ", ".join(sets)
        else:
            update = "update by name"
        return (
            f"merge into {target} as DBT_INTERNAL_DEST using {source} as DBT_INTERNAL_SOURCE {joined} "
            f"when matched{_condition(config.merge_update_condition)} then {update} "
            f"when not matched{_condition(config.merge_insert_condition)} then insert by name"
        )

    def index(self, name: str, relation: Any, index: dict[str, Any]) -> str:
        unique = "unique " if index.get("unique") else ""
        return f'create {unique}index "{name}" on {relation} ({", ".join(index["columns"])})'

    def grants(self, handle: Any, relation: Any, wanted: dict[str, Any], kept: bool) -> list[str]:
        """DuckDB has no rights."""
        return []

    def foreign(self, target: str) -> str:
        """DuckDB names a referenced table without its database."""
        parts = target.split(".")
        return ".".join(parts[-2:])


class Postgres:
    """As dbt-postgres does it."""

    def kind(self, handle: Any, relation: Any) -> str | None:
        name = literal(str(relation.include(database=False)))
        kinds = handle.rows(f"select relkind::text from pg_class where oid = to_regclass({name})")
        known = {"r": "table", "p": "table", "v": "view", "m": "materialized view"}
        return known.get(kinds[0][0], "relation") if kinds else None

    def columns(self, handle: Any, relation: Any) -> list[Column]:
        name = literal(str(relation.include(database=False)))
        rows = handle.rows(
            "select attname::text, format_type(atttypid, atttypmod), format_type(atttypid, null) from pg_attribute "
            f"where attrelid = to_regclass({name}) and attnum > 0 and not attisdropped order by attnum"
        )
        return [Column(name, type, _CONTRACT_TYPES.get(bare, bare)) for name, type, bare in rows]

    def drop(self, kind: str, relation: Any) -> str:
        return f"drop {kind} if exists {relation} cascade"

    def widened(self, source: Column, target: Column) -> str | None:
        """The type for a column of text that is too short for the rows."""
        there, given = _length(target), _length(source)
        if there is None or given is None or given <= there:
            return None
        return f"character varying({given})"

    def differ(self, source: Column, target: Column) -> bool:
        there, given = _length(target), _length(source)
        fits = there is not None and given is not None and there > given
        return source.type != target.type and not fits

    def add_and_drop(self, relation: Any, added: list[Column], dropped: list[Column]) -> list[str]:
        changes = [f"add column {c.quoted} {c.type}" for c in added]
        changes += [f"drop column {c.quoted}" for c in dropped]
        return [f"alter table {relation} {', '.join(changes)}"] if changes else []

    def default_strategy(self, unique_key: list[str]) -> str:
        return "delete+insert" if unique_key else "append"

    def delete(self, target: Any, source: Any, key: list[str], predicates: list[str]) -> str:
        names = ", ".join(key)
        rows = f"({names}) in (select distinct {names} from {source} as DBT_INTERNAL_SOURCE)"
        return (
            f"delete from {target} as DBT_INTERNAL_DEST where {' and '.join([rows, *predicates])}"
        )

    def merge(self, target: Any, source: Any, on: list[str], config: Any, columns: list[Column]) -> str:  # fmt: skip
        names = ", ".join(column.quoted for column in columns)
        sets = ", ".join(
            f"{name} = DBT_INTERNAL_SOURCE.{name}" for name in updated(config, columns)
        )
        update = f"when matched then update set {sets} " if config.unique_key else ""
        return (
            f"merge into {target} as DBT_INTERNAL_DEST using {source} as DBT_INTERNAL_SOURCE on (({') and ('.join(on)})) "
            f"{update}when not matched then insert ({names}) values ({names})"
        )

    def index(self, name: str, relation: Any, index: dict[str, Any]) -> str:
        unique = "unique " if index.get("unique") else ""
        using = f" using {index['type']}" if index.get("type") else ""
        columns = ", ".join(index["columns"])
        return f'create {unique}index if not exists "{name}" on {relation}{using} ({columns})'

    def grants(self, handle: Any, relation: Any, wanted: dict[str, Any], kept: bool) -> list[str]:
        """The statements for the rights that the model configures. `kept` says whether the table
        may have rights of an earlier run.
        """
        asked = {(right.lower(), who) for right, all in wanted.items() for who in texts_of(all)}
        there: set[tuple[str, str]] = set()
        if kept:
            rows = handle.rows(
                "select lower(privilege_type), grantee from information_schema.role_table_grants "
                f"where grantor = current_role and grantee != current_role "
                f"and table_schema = {literal(relation.schema)} and table_name = {literal(relation.identifier)}"
            )
            there = {(right, who) for right, who in rows}
        known = {(right, who.lower()) for right, who in there}
        kept_rights = {(right, who.lower()) for right, who in asked}
        return [
            *(
                f"revoke {right} on {relation} from {quoted(who)}"
                for right, who in sorted(there)
                if (right, who.lower()) not in kept_rights
            ),
            *(
                f"grant {right} on {relation} to {who}"
                for right, who in sorted(asked)
                if (right, who.lower()) not in known
            ),
        ]

    def foreign(self, target: str) -> str:
        return target


# The types that psycopg2, and so dbt's contract, does not tell apart.
_CONTRACT_TYPES = {
    "smallint": "integer",
    "real": "double precision",
    "character varying": "text",
    "character": "text",
    "name": "text",
}


def dialect_of(adapter: str) -> DuckDB | Postgres:
    return DuckDB() if adapter == "duckdb" else Postgres()


def updated(config: Any, columns: list[Column]) -> list[str]:
    """The columns that a merge updates."""
    only, without = texts_of(config.merge_update_columns), texts_of(config.merge_exclude_columns)
    if only and without:
        raise SessionError(
            "dbt::compile",
            "Model cannot specify merge_update_columns and merge_exclude_columns. Please update model to use only one config",
        )
    left_out = {name.lower() for name in without}
    return only or [column.quoted for column in columns if column.name.lower() not in left_out]


def texts_of(value: Any) -> list[str]:
    """A text, or a list of them, as a list."""
    if value is None or value == "":
        return []
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _condition(given: Any) -> str:
    return f" and {given}" if given else ""


def _length(column: Column) -> int | None:
    """How long text may be, in dbt's reckoning; `None` for other types."""
    bare, _, size = column.type.partition("(")
    if bare not in ("text", "character varying", "character"):
        return None
    return int(size.rstrip(")")) if size else 256
