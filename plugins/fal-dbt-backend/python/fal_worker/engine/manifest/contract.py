"""Enforced contracts: the rows' columns are compared with the model's, and the table gets its constraints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fal_worker.errors import SessionError

from .dialects import DuckDB, Postgres, quoted

_PROBE = "fal_contract"


def check_columns(handle: Any, dialect: DuckDB | Postgres, node: Any, stage: Any) -> None:
    """Raises unless names and types of the staged columns are those of the contract."""
    untyped = [name for name, column in node.columns.items() if not column.data_type]
    if untyped or not node.columns:
        what = ", ".join(untyped) or "its columns"
        message = f"{node.unique_id} has an enforced contract, and no data_type of {what}"
        raise SessionError("dbt::contract", message, "Name all columns with their data_type.")
    nulls = ", ".join(
        f"cast(null as {column.data_type}) as {_name(column)}" for column in node.columns.values()
    )
    handle.run(f"create temporary table {_PROBE} as select {nulls} where 1 = 0")
    wanted = {c.name: c for c in dialect.columns(handle, _Probe())}
    handle.run(f"drop table {_PROBE}")
    given = {c.name: c for c in dialect.columns(handle, stage)}
    problems = [f"{name} is missing in the rows" for name in wanted if name not in given]
    problems += [f"{name} is missing in the contract" for name in given if name not in wanted]
    problems += [
        f"{name}, data type mismatch: {given[name].type} in the rows, {column.type} in the contract"
        for name, column in wanted.items()
        if name in given and given[name].in_contract != column.in_contract
    ]
    if problems:
        message = f"{node.unique_id}: This model has an enforced contract that failed. {'; '.join(problems)}"
        help = "Change the columns of the frame, or those in the schema file."
        raise SessionError("dbt::contract", message, help)


def create(
    dialect: DuckDB | Postgres, node: Any, target: Any, stage: Any, render: Callable[[str], str]
) -> list[str]:
    """The statements that make the table with its constraints, and fill it."""
    parts = []
    for column in node.columns.values():
        its = [
            constraint_text(dialect, each, render, None) for each in column.get("constraints") or []
        ]
        parts.append(" ".join([_name(column), str(column.data_type), *filter(None, its)]))
    for each in node.get("constraints") or []:
        columns = ", ".join(each.get("columns") or [])
        parts += filter(None, [constraint_text(dialect, each, render, columns)])
    names = ", ".join(_name(column) for column in node.columns.values())
    return [
        f"create table {target} ({', '.join(parts)})",
        f"insert into {target} ({names}) (select {names} from {stage})",
    ]


def constraint_text(
    dialect: DuckDB | Postgres,
    constraint: dict[str, Any],
    render: Callable[[str], str],
    columns: str | None,
) -> str | None:
    """A constraint of a column or, with `columns`, of the table, as dbt's adapters write it."""
    kind, expression = str(constraint.get("type")), str(constraint.get("expression") or "")
    on = "" if columns is None else f" ({columns})"
    if kind == "foreign_key":
        to, fields = constraint.get("to"), constraint.get("to_columns") or []
        if to and str(to).startswith(("ref(", "source(")):
            to = render("{{ " + str(to) + " }}")
        where = f"{dialect.foreign(str(to))} ({', '.join(fields)})" if to and fields else expression
        text = (
            f"{'' if columns is None else f'foreign key{on} '}references {where}" if where else ""
        )
    elif kind == "check":
        text = f"check ({expression})" if expression else ""
    elif kind == "custom":
        text = expression
    elif columns is not None and kind == "not_null":
        text = ""
    else:
        text = f"{kind.replace('_', ' ')} {expression}".strip() + on
    name = constraint.get("name")
    return f"constraint {name} {text}" if text and name and columns is not None else text or None


def _name(column: Any) -> str:
    return quoted(column.name) if column.quote else str(column.name)


class _Probe:
    """The temporary table, as a relation."""

    def __str__(self) -> str:
        return _PROBE

    def include(self, **_: bool) -> _Probe:
        return self
