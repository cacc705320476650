"""dbt-native Python models: dbt's materialization runs here, the user's code in a job.

On DuckDB dbt's own Python materialization runs, and only its step "run the code" leaves the
session. On every other warehouse the rows are handled like a script's: the job writes them, and
dbt's SQL materialization makes the relation from them.
"""

from __future__ import annotations

from typing import Any

from fal_worker.errors import Interrupted, SessionError
from fal_worker.gateway.service import GatewayService
from fal_worker.project.interface import Project
from fal_worker.protocol import Outbox
from fal_worker.warehouse.registry import facts_of

from .code_jobs import CodeJobs, failure
from .invocation import Invocation


class NativeJobs(CodeJobs):
    """Replaces the adapter's `submit_python_job`, or the model's whole runner."""

    def __init__(self, invocation: Invocation, gateway: GatewayService, outbox: Outbox) -> None:
        super().__init__(invocation.project, gateway, outbox)
        self._invocation = invocation

    def install(self) -> None:
        self._invocation.runner_of = self._runner
        adapter = self._project.adapter
        if facts_of(getattr(adapter, "type", str)()).takes_native_rows:
            adapter.submit_python_job = self._submit

    def _runner(self, node: Any) -> type | None:
        """Returns dbt's own runner for SQL, and for code that runs in the warehouse.

        For `show` all code runs here: in the warehouse it would write.
        """
        if getattr(node, "language", None) != "python":
            return None
        if self._project.show_limit is None and runs_in_warehouse(self._project, node):
            return None
        from .native_runner import checked_runner, staged_runner

        by_dbt = self._gateway.runs_native() and self._project.show_limit is None
        return checked_runner() if by_dbt else staged_runner(self)

    def _submit(self, parsed_model: dict[str, Any], compiled_code: str) -> Any:
        """Called by dbt's `statement` macro on the thread, the connection and in the transaction of
        the node.
        """
        from dbt.adapters.contracts.connection import AdapterResponse
        from dbt_common.exceptions import DbtRuntimeError

        adapter = self._project.adapter
        connection = adapter.connections.get_thread_connection()
        job = self._gateway.open_native_job(
            self.new_id(), parsed_model["unique_id"], connection, compiled_code
        )
        try:
            self.run_code(job, parsed_model, compiled_code)
            rows = self._gateway.deliver(job).rows
            if rows is None:
                raise failure("the model ended without writing a frame", None)
        except Interrupted:
            raise
        except SessionError as error:
            raise DbtRuntimeError(error.message) from None
        finally:
            self._gateway.forget_job(job.id)
        return AdapterResponse(_message="OK", rows_affected=rows)


def runs_in_warehouse(project: Project, node: Any) -> bool:
    """Whether the model asks to run in the warehouse's own Python, and the adapter can submit it
    there.

    dbt-duckdb would use this process, in which no user code runs.
    """
    ours = (node.config.meta or {}).get(project.keyword)
    wanted = isinstance(ours, dict) and ours.get("python") == "warehouse"
    if facts_of(project.adapter.type()).takes_native_rows or not (
        wanted or node.config.get("submission_method")
    ):
        return False
    try:
        return bool(project.adapter.python_submission_helpers)
    except NotImplementedError:
        return False
