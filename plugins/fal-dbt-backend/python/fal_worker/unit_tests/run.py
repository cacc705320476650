"""Unit tests of Python models, the session's side: prepares the given rows for a job and judges the
rows that it returns.

dbt tests SQL, so it would test the stub. Here a job runs the model's code on the given rows,
without the warehouse.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError, from_exception
from fal_worker.project.interface import given_name, table_of

if TYPE_CHECKING:
    from fal_worker.gateway.service import GatewayService
    from fal_worker.project.interface import Project
    from fal_worker.protocol import NodeResult


class UnitTests:
    """The unit tests of one project that the host runs."""

    def __init__(self, project: Project, gateway: GatewayService) -> None:
        self._project, self._gateway = project, gateway

    def open(self, id: str, token: str, unique_id: str) -> dict[str, Any]:
        """Returns what the job needs. Records an error of the test itself as its result."""
        try:
            test = self._test(unique_id)
            prepared: dict[str, Any] = self._project.within(_prepared, self._project, test)
            self._gateway.open_unit_test(id, token, unique_id, test.depends_on.nodes[0])
        except Exception as error:  # noqa: BLE001 - every error of the test is its result
            failure = from_exception(error)
            if unique_id in self._project.selected:
                self._record({"unique_id": unique_id, "status": "error", "message": _text(failure)})
            raise SessionError(failure.code, _text(failure)) from None
        return prepared

    def close(self, id: str, ok: bool, rows: str | None, result: NodeResult) -> NodeResult:
        """Records the result and returns it. If the job ended well, its rows decide."""
        self._gateway.forget_job(id)
        if ok:
            try:
                test = self._test(result["unique_id"])
                result = {
                    **result,
                    **self._project.within(_judged, self._project, test, rows or ""),
                }
            except Exception as error:  # noqa: BLE001 - as above
                result = {**result, "status": "error", "message": _text(from_exception(error))}
        self._record(result)
        return result

    def _test(self, unique_id: str) -> Any:
        test = self._project.manifest.unit_tests.get(unique_id)
        if test is None or unique_id not in self._project.selected:
            raise SessionError(
                "session::unknown_node", f"{unique_id} is not among the unit tests of `begin`"
            )
        return test

    def _record(self, result: NodeResult) -> None:
        self._project.within(self._project.record, result)


def _text(error: SessionError) -> str:
    return error.message + (f"\n{error.help}" if error.help else "")


def _prepared(project: Project, test: Any) -> dict[str, Any]:
    from .given import all_given, tested_model

    model = tested_model(project, test)
    overrides = test.overrides
    vars, env_vars, macros = (
        dict(getattr(overrides, name, None) or {}) for name in ("vars", "env_vars", "macros")
    )
    given = all_given(project, test)
    return {
        "name": test.name,
        "model": model.unique_id,
        "given": [
            _sent(project, model, entry, given_name(number)) for number, entry in enumerate(given)
        ],
        "vars": vars,
        "env_vars": {name: str(value) for name, value in env_vars.items()},
        "is_incremental": bool(
            macros.get("is_incremental", macros.get("dbt.is_incremental", False))
        ),
        "this": str(table_of(project, model)),
        "config": _config(model),
    }


def _sent(project: Project, model: Any, given: Any, table: str) -> dict[str, Any]:
    from .sql import encoded

    node = given.node
    return {
        "input": given.input,
        "kind": "this" if given.is_this else "source" if node.resource_type == "source" else "ref",
        "source": getattr(node, "source_name", None),
        "name": node.name,
        "package": node.package_name,
        "is_own_package": node.package_name == model.package_name,
        "version": None if getattr(node, "version", None) is None else str(node.version),
        "is_latest": getattr(node, "version", None) == getattr(node, "latest_version", None),
        "relation": str(table_of(project, node)),
        "table": table,
        "rows": encoded(given.table),
    }


def _config(model: Any) -> dict[str, Any]:
    import json

    # Through JSON, since not all of it is plain data.
    return dict(json.loads(json.dumps(model.config.to_dict(), default=str)))


def _judged(project: Project, test: Any, rows: str) -> NodeResult:
    """Status, message and failures."""
    from .compare import compare, rendered

    compared = compare(_expected(project, test), _decoded(rows))
    if compared.is_equal:
        return {"status": "pass", "message": None, "failures": 0}
    return {"status": "fail", "message": rendered(compared), "failures": 1}


def _expected(project: Project, test: Any) -> list[dict[str, Any]]:
    from .given import Fixture, query

    expect = Fixture.of(test.expect)
    if expect.format != "sql":
        return list(expect.rows or [])
    table = query(project, test.unique_id, str(expect.rows), "the expected rows")
    return list(table.to_pylist())


def _decoded(text: str) -> Any:
    import pyarrow as pa

    return pa.ipc.open_stream(base64.b64decode(text)).read_all()
