"""SQL with Jinja that no dbt compiles: `ref`, `source` and their like, and ephemeral models as common table expressions.

SQL with other names, such as macros, goes to dbt (`compiling`).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.project import leased_jinja, resolve
from fal_worker.project.interface import Compiled, open_relation

from .jinja import UnknownName, env_var, environment, lenient, with_errors

if TYPE_CHECKING:
    from .compiling import Compiler
    from .project import Project

_PREFIX = "__dbt__cte__"


def compiled(
    project: Project, sql: str, reader: Any, leased: frozenset[str] | None = None
) -> Compiled:
    """The SQL for the warehouse, and what it reads. `reader` is the node that it stands in; `leased` as for `Project.compile_sql`."""
    text, what = _Text(project), f"SQL of {reader.unique_id}"
    restricted = {} if leased is None else {"env_var": leased_jinja.env_var(leased, env_var)}
    try:
        body = text.render(sql, reader, what, restricted)
    except UnknownName:
        # Leased jobs may not use dbt's own names.
        if leased is not None or project.compiler is None:
            raise
        return _by_dbt(project, project.compiler, sql, reader, what)
    return Compiled(text.with_expressions(body), tuple(dict.fromkeys(text.reads)))


def _by_dbt(project: Project, compiler: Compiler, sql: str, reader: Any, what: str) -> Compiled:
    """Has dbt compile SQL with macros."""
    if open_relation(reader.unique_id) is not None:
        raise SessionError(
            "engine::jinja",
            f"{what}: after write_to_model it can use no macros, since dbt does not see the rows just written",
            "Call execute_sql before write_to_model.",
        )
    text = _Text(project, jinja=lenient())
    with contextlib.suppress(SessionError):
        text.render(sql, reader, what)
    this = ""
    if reader.alias is not None:
        own = project.adapter.Relation.create_from(None, reader)
        parts = {part: getattr(own, part) for part in ("database", "schema", "identifier")}
        named = ", ".join(f"{part}={json.dumps(name)}" for part, name in parts.items() if name)
        this = f"{{%- set this = api.Relation.create({named}) -%}}"
    with project.adapter.given_up():
        body = compiler.compiled(this + sql, what)
    return Compiled(body, tuple(dict.fromkeys(text.reads)))


def rendered(project: Project, sql: str, node: Any, is_incremental: bool) -> str:
    """SQL that belongs to the configuration of a node."""
    names = {"is_incremental": lambda: is_incremental, "model": node}
    return _Text(project).render(sql, node, f"SQL of {node.unique_id}", names)


class _Text:
    """One statement."""

    def __init__(self, project: Project, jinja: Any = None) -> None:
        self._project, self._jinja = project, jinja or environment()
        self.reads: list[str] = []
        self._expressions: dict[str, str] = {}
        self._depth = 0

    def render(self, sql: str, reader: Any, what: str, names: dict[str, Any] | None = None) -> str:
        template = self._jinja.from_string
        return with_errors(
            lambda: str(template(sql).render({**self._names(reader), **(names or {})})), what
        )

    def with_expressions(self, body: str) -> str:
        if not self._expressions:
            return body
        # A statement may begin with expressions of its own.
        tables = ", ".join(f"{name} as (\n{sql}\n)" for name, sql in self._expressions.items())
        return f"with {tables}\nselect * from (\n{body.strip().rstrip(';')}\n) as fal_inner"

    def _names(self, reader: Any) -> dict[str, Any]:
        project, settings = self._project, self._project.settings

        def ref(*args: Any, version: Any = None, v: Any = None) -> str:
            return self._table(
                resolve.ref(project, reader, list(args), version if version is not None else v),
                reader,
            )

        def source(*args: Any) -> str:
            return self._table(resolve.source(project, reader, list(args)), reader)

        def this() -> Any:
            if (own := open_relation(reader.unique_id)) is not None:
                return own
            return (
                None if reader.alias is None else project.adapter.Relation.create_from(None, reader)
            )

        credentials = settings.credentials
        target = {
            "name": settings.target_name,
            "profile_name": settings.profile_name,
            "type": credentials.type,
        }
        target |= {
            "schema": credentials.schema,
            "database": credentials.database,
            "threads": settings.threads,
        }
        return {
            "ref": ref,
            "source": source,
            "this": this(),
            "config": lambda *_, **__: "",
            "var": _var(settings.vars_of(reader.package_name)),
            "target": target,
            "is_incremental": lambda: False,
        }

    def _table(self, node: Any, reader: Any) -> str:
        if self._depth == 0:
            self.reads.append(node.unique_id)
        relation = self._project.relation(reader, node)
        return str(relation) if relation is not None else self._expression(node)

    def _expression(self, node: Any) -> str:
        name: str = _PREFIX + node.name
        if name not in self._expressions:
            self._depth += 1
            sql = self.render(str(node.raw_code or ""), node, f"The ephemeral model {node.name}")
            self._depth -= 1
            self._expressions[name] = sql
        return name


def _var(known: dict[str, Any]) -> Callable[..., Any]:
    missing = object()

    def var(name: str, default: Any = missing) -> Any:
        value = known.get(name, default)
        if value is missing:
            raise SessionError("dbt::var", f"Required var '{name}' not found")
        return value

    return var
