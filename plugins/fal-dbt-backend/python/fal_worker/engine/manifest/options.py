"""What dbt's materializations do around a model's table: hooks, indexes, grants, comments."""

from __future__ import annotations

import uuid
from typing import Any

from fal_worker.errors import SessionError

from .dialects import DuckDB, Postgres, literal, texts_of


def apply(handle: Any, dialect: DuckDB | Postgres, node: Any, relation: Any, is_new: bool) -> None:
    """Indexes of a new table, grants and comments."""
    config = node.config
    if is_new:
        for index in config.get("indexes") or []:
            handle.run(dialect.index(uuid.uuid4().hex, relation, _checked(node, index)))
    if wanted := config.get("grants"):
        for statement in dialect.grants(handle, relation, wanted, not is_new):
            handle.run(statement)
    for statement in _comments(handle, dialect, node, relation):
        handle.run(statement)


def _checked(node: Any, index: Any) -> dict[str, Any]:
    if not isinstance(index, dict) or not index.get("columns"):
        message = f"{node.unique_id}: an index is a mapping with `columns`, not {index}"
        raise SessionError("dbt::compile", message)
    return {**index, "columns": texts_of(index["columns"])}


def _comments(handle: Any, dialect: DuckDB | Postgres, node: Any, relation: Any) -> list[str]:
    wanted = node.config.get("persist_docs") or {}
    statements = []
    if wanted.get("relation") and node.description:
        statements.append(f"comment on table {relation} is {literal(str(node.description))}")
    if wanted.get("columns") and node.columns:
        there = {column.name: column for column in dialect.columns(handle, relation)}
        folded = {name.lower(): column for name, column in there.items()}
        for name, column in node.columns.items():
            known = there.get(name) if column.quote else folded.get(name.lower())
            if known is not None:
                text = literal(str(column.description or ""))
                statements.append(f"comment on column {relation}.{known.quoted} is {text}")
    return statements
