"""dbt-native Python models: dbt's materialization runs here, the user's code in a job.

On DuckDB dbt's own Python materialization runs, and only its step "run the code" leaves the
session. On every other warehouse the rows are handled like a script's: the job writes them, and
dbt's SQL materialization makes the relation from them.
"""

from __future__ import annotations

import os
import secrets
import threading
from typing import Any

from fal_worker.errors import Interrupted
from fal_worker.gateway.service import GatewayService
from fal_worker.project.interface import Project
from fal_worker.protocol import NodeResult, Outbox, PythonJobDone
from fal_worker.warehouse.registry import facts_of

from .invocation import Invocation


class NativeJobs:
    """Replaces the adapter's `submit_python_job`, or the model's whole runner."""

    def __init__(self, invocation: Invocation, gateway: GatewayService, outbox: Outbox) -> None:
        self._invocation, self._project = invocation, invocation.project
        self._gateway, self._outbox = gateway, outbox
        self._waiting: dict[str, tuple[threading.Event, PythonJobDone]] = {}
        self._lock = threading.Lock()
        self._count = 0

    def install(self) -> None:
        self._invocation.runner_of = self._runner
        adapter = self._project.adapter
        if facts_of(getattr(adapter, "type", str)()).takes_native_rows:
            adapter.submit_python_job = self._submit

    def _runner(self, node: Any) -> type | None:
        """Returns dbt's own runner for SQL, and for code that runs in the warehouse."""
        if getattr(node, "language", None) != "python" or runs_in_warehouse(self._project, node):
            return None
        from .native_runner import checked_runner, staged_runner

        return checked_runner() if self._gateway.runs_native() else staged_runner(self)

    def done(self, message: PythonJobDone) -> None:
        """Handles the supervisor's report of how a job ended."""
        with self._lock:
            waiting = self._waiting.get(message["job"])
        if waiting is not None:
            waiting[1].update(message)
            waiting[0].set()

    def cancel(self) -> None:
        with self._lock:
            waiting = list(self._waiting.values())
        for event, answer in waiting:
            answer.setdefault("interrupted", True)
            event.set()

    def _submit(self, parsed_model: dict[str, Any], compiled_code: str) -> Any:
        """Called by dbt's `statement` macro on the thread, the connection and in the transaction of
        the node.
        """
        from dbt.adapters.contracts.connection import AdapterResponse

        adapter = self._project.adapter
        connection = adapter.connections.get_thread_connection()
        job = self._gateway.open_native_job(
            self._new_id(), parsed_model["unique_id"], connection, compiled_code
        )
        try:
            self._run(job, parsed_model, compiled_code)
            rows = self._gateway.deliver(job).rows
        finally:
            self._gateway.forget_job(job.id)
        if rows is None:
            raise _failure("the model ended without writing a frame", None)
        return AdapterResponse(_message="OK", rows_affected=rows)

    def run_staged(self, node: Any) -> NodeResult:
        """Runs the code of a compiled model and makes its relation from the rows.

        Returns dbt's result, which is not recorded.
        """
        job = self._gateway.open_staged_job(self._new_id(), node)
        ok = False
        try:
            self._run(job, {"original_file_path": node.original_file_path}, node.compiled_code)
            job, ok = self._gateway.deliver(job), True
        finally:
            result = self._gateway.close_staged_job(job, ok)
        if job.rows is None:
            raise _failure("the model ended without writing a frame", None)
        return result

    def _new_id(self) -> str:
        with self._lock:
            self._count += 1
            return f"native-{self._count}-{secrets.token_hex(4)}"

    def _root(self, model: dict[str, Any]) -> str:
        return str(model.get("root_path") or self._project.config.project_root)

    def _run(self, job: Any, model: dict[str, Any], code: str) -> None:
        ended = threading.Event()
        answer: PythonJobDone = {}
        with self._lock:
            self._waiting[job.id] = (ended, answer)
        try:
            self._outbox.event(
                "python_job",
                job=job.id,
                token=job.token,
                unique_id=job.unique_id,
                path=model["original_file_path"].replace("\\", "/"),
                code=_with_lines_of_file(self._root(model), model, code),
                location=self._gateway.location,
            )
            ended.wait()
        finally:
            with self._lock:
                self._waiting.pop(job.id, None)
            job.seal()
        if answer.get("interrupted"):
            raise Interrupted()
        if not answer.get("ok"):
            error = answer.get("error") or {}
            raise _failure(error.get("message") or "the job failed", error.get("traceback"))


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


def _failure(message: str, traceback: str | None) -> Exception:
    from dbt_common.exceptions import DbtRuntimeError

    error: Exception = DbtRuntimeError(
        "Python model failed: " + message + (f"\n{traceback.rstrip()}" if traceback else "")
    )
    return error


def _with_lines_of_file(root: str, model: dict[str, Any], code: str) -> str:
    """Puts back the leading empty lines that dbt strips, so that tracebacks have the file's line
    numbers.
    """
    try:
        with open(os.path.join(root, model["original_file_path"]), encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeError):
        return code.lstrip()
    lead = text[: len(text) - len(text.lstrip())]
    return "\n" * lead.count("\n") + code.lstrip()
