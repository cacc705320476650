"""The code of dbt-native models: the supervisor is asked to run it in a job, and the gateway takes its rows."""

from __future__ import annotations

import os
import secrets
import threading
from typing import Any

from fal_worker.errors import Interrupted, SessionError
from fal_worker.gateway.service import GatewayService
from fal_worker.project.interface import Project
from fal_worker.protocol import NodeResult, Outbox, PythonJobDone


class CodeJobs:
    """Runs code of models, each in a separate job."""

    def __init__(self, project: Project, gateway: GatewayService, outbox: Outbox) -> None:
        self._project, self._gateway, self._outbox = project, gateway, outbox
        self._waiting: dict[str, tuple[threading.Event, PythonJobDone]] = {}
        self._lock = threading.Lock()
        self._count = 0

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

    def run_staged(self, node: Any, code: str) -> NodeResult:
        """Runs the compiled code of a model and makes its relation from the rows.

        Returns the node's result, which is not recorded. Raises if the code fails.
        """
        job = self._gateway.open_staged_job(self.new_id(), node)
        ok = False
        try:
            self.run_code(job, {"original_file_path": node.original_file_path}, code)
            job, ok = self._gateway.deliver(job), True
        finally:
            result = self._gateway.close_staged_job(job, ok)
        if job.rows is None:
            raise failure("the model ended without writing a frame", None)
        return result

    def new_id(self) -> str:
        with self._lock:
            self._count += 1
            return f"native-{self._count}-{secrets.token_hex(4)}"

    def run_code(self, job: Any, model: dict[str, Any], code: str) -> None:
        """Runs the code in an open job, to its end. Raises if it fails."""
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
            raise failure(error.get("message") or "the job failed", error.get("traceback"))

    def _root(self, model: dict[str, Any]) -> str:
        return str(model.get("root_path") or self._project.config.project_root)


def failure(message: str, traceback: str | None) -> SessionError:
    return SessionError(
        "model::failed",
        "Python model failed: " + message + (f"\n{traceback.rstrip()}" if traceback else ""),
    )


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
