"""dbt's incremental strategies and `on_schema_change`, over rows that are in a staging table."""

from __future__ import annotations

from typing import Any

from fal_worker.errors import SessionError

from .configured import SCHEMA_CHANGES, Configured
from .dialects import Column, DuckDB, Postgres, texts_of


def merge_rows(
    handle: Any,
    dialect: DuckDB | Postgres,
    configured: Configured,
    target: Any,
    stage: Any,
    strategy: str,
) -> None:
    """Applies the strategy to a table that exists, inside the transaction of `handle`."""
    if not (configured.has_contract and isinstance(dialect, Postgres)):
        _widen(handle, dialect, target, stage)
    columns = _changed(handle, dialect, configured, target, stage)
    for statement in statements(dialect, configured, target, stage, columns, strategy):
        handle.run(statement)


def statements(
    dialect: DuckDB | Postgres,
    configured: Configured,
    target: Any,
    stage: Any,
    columns: list[Column],
    strategy: str,
) -> list[str]:
    """The SQL of a strategy. `columns` are those of the table that get values."""
    config, key = configured.node.config, configured.unique_key
    predicates = texts_of(config.predicates or config.incremental_predicates)
    if strategy == "default":
        strategy = dialect.default_strategy(key)
    if strategy == "merge":
        matches = [f"DBT_INTERNAL_SOURCE.{name} = DBT_INTERNAL_DEST.{name}" for name in key]
        return [
            dialect.merge(target, stage, [*(matches or ["FALSE"]), *predicates], config, columns)
        ]
    names = ", ".join(column.quoted for column in columns)
    insert = f"insert into {target} ({names}) (select {names} from {stage})"
    if strategy == "append" or not key:
        return [insert]
    return [dialect.delete(target, stage, key, predicates), insert]


def _widen(handle: Any, dialect: DuckDB | Postgres, target: Any, stage: Any) -> None:
    there = {column.name: column for column in dialect.columns(handle, target)}
    for column in dialect.columns(handle, stage):
        known = there.get(column.name)
        if known is not None and (type := dialect.widened(column, known)):
            _alter_type(handle, target, column, type)


def _changed(
    handle: Any, dialect: DuckDB | Postgres, configured: Configured, target: Any, stage: Any
) -> list[Column]:
    """Changes the table's columns as `on_schema_change` says. Returns those that get values."""
    wanted = configured.node.config.on_schema_change
    there = dialect.columns(handle, target)
    if wanted not in SCHEMA_CHANGES or wanted == "ignore":
        return there
    given = dialect.columns(handle, stage)
    added = [column for column in given if column.name not in {c.name for c in there}]
    gone = [column for column in there if column.name not in {c.name for c in given}]
    known = {column.name: column for column in there}
    other = [
        column
        for column in given
        if column.name in known and dialect.differ(column, known[column.name])
    ]
    if not (added or gone or other):
        return given
    if wanted == "fail":
        raise _out_of_sync(configured, added, gone, other)
    dropped = gone if wanted == "sync_all_columns" else []
    for statement in dialect.add_and_drop(target, added, dropped):
        handle.run(statement)
    if wanted == "sync_all_columns":
        for column in other:
            _alter_type(handle, target, column, column.type)
    return given


def _alter_type(handle: Any, target: Any, column: Column, type: str) -> None:
    """As dbt does: the column is made anew, so it comes last."""
    new = Column(column.name + "__dbt_alter", type).quoted
    for statement in (
        f"alter table {target} add column {new} {type}",
        f"update {target} set {new} = {column.quoted}",
        f"alter table {target} drop column {column.quoted} cascade",
        f"alter table {target} rename column {new} to {column.quoted}",
    ):
        handle.run(statement)


def _out_of_sync(
    configured: Configured, added: list[Column], gone: list[Column], other: list[Column]
) -> SessionError:
    def listed(columns: list[Column]) -> str:
        return ", ".join(f"{column.name} {column.type}" for column in columns) or "none"

    return SessionError(
        "dbt::compile",
        f"{configured.node.unique_id}: the source and target schemas on this incremental model are out of sync, and on_schema_change is fail. "
        f"Columns that the table lacks: {listed(added)}; that the rows lack: {listed(gone)}; of another type: {listed(other)}",
        "Set on_schema_change to append_new_columns or sync_all_columns, or run the model with --full-refresh.",
    )
