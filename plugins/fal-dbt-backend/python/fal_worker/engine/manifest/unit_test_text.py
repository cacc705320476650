"""SQL of a model in a unit test, rendered without dbt: what it refers to are tables of the given rows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.project.interface import given_name
from fal_worker.unit_tests.given import Fixture, input_node, tested_model

from .rendering import _Text, _var

if TYPE_CHECKING:
    from .project import Project


def given_text(project: Project, unique_id: str, sql: str) -> str:
    """The SQL for DuckDB, with the overrides of the test. Other macros than `is_incremental` are not known here."""
    test = project.manifest.unit_tests[unique_id]
    return _GivenText(project, test).render(sql, tested_model(project, test), f"SQL of {unique_id}")


class _GivenText(_Text):
    def __init__(self, project: Project, test: Any) -> None:
        super().__init__(project)
        self._test = test
        given = (input_node(project, test, Fixture.of(entry)) for entry in test.given)
        self._tables = {node.unique_id: given_name(number) for number, node in enumerate(given)}

    def _names(self, reader: Any) -> dict[str, Any]:
        overrides = self._test.overrides or {}
        vars, env_vars, macros = (
            overrides.get(name) or {} for name in ("vars", "env_vars", "macros")
        )
        is_incremental = bool(macros.get("is_incremental"))
        return {
            **super()._names(reader),
            "this": self._tables.get(reader.unique_id, "the_input_this_that_is_not_given"),
            "var": _var({**self._project.settings.vars_of(reader.package_name), **vars}),
            "env_var": lambda name, default=None: env_vars.get(name, os.environ.get(name, default)),
            "is_incremental": lambda: is_incremental,
        }

    def _table(self, node: Any, reader: Any) -> str:
        if node.unique_id not in self._tables:
            message = f"The SQL reads {node.unique_id}, which the unit test {self._test.name} does not give"
            raise SessionError("unit_test::not_given", message)
        return self._tables[node.unique_id]
