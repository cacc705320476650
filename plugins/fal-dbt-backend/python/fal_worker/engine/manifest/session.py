"""The operations of the process that serves jobs over manifest.json."""

from __future__ import annotations

import contextlib
import threading
from datetime import datetime, timezone
from typing import Any

from fal_worker.engine.code_jobs import CodeJobs
from fal_worker.engine.operations import SessionOperations, not_loaded, stub_paths
from fal_worker.errors import SessionError
from fal_worker.gateway.service import GatewayService

from .compiling import Compiler
from .fixtures import read_rows
from .materializer import Materializer
from .native_code import compiled
from .nodes import Manifest
from .project import Project
from .settings import Settings


class ManifestSession(SessionOperations):
    """Serves jobs. The supervisor itself calls dbt and knows the results of its nodes."""

    _project: Project | None = None
    _native: CodeJobs | None = None

    @property
    def project(self) -> Project:
        if self._project is None:
            raise not_loaded()
        return self._project

    def op_load(self, message: Any) -> Any:
        """Reads the manifest; returns where the gateway listens."""
        settings = Settings(**message["settings"])
        models = stub_paths(message["python_models"])
        self._project = Project(self._request, settings, Manifest.read(message["manifest"]), models)
        self._project.materialized = message.get("materialized") or {}
        self._project.runs_native = bool(message.get("runs_native"))
        if (command := message.get("compile")) is not None:
            cancelled = self._project.cancelled
            self._project.compiler = Compiler(command["words"], command["env"], cancelled)
        self._materializer = Materializer(self._project)
        read_rows(self._project)
        self._gateway = GatewayService(
            self._project,
            self._materializer,
            self._outbox,
            message["gateway"]["socket_dir"],
        )
        self._native = CodeJobs(self._project, self._gateway, self._outbox)
        # Import what it needs while the supervisor goes on.
        threading.Thread(target=self._gateway.start, name="fal-gateway", daemon=True).start()
        return {"gateway": {"location": self._gateway.location}}

    def op_select(self, message: Any) -> Any:
        raise SessionError("session::op", "the supervisor itself asks dbt")

    def op_run(self, message: Any) -> Any:
        """Runs a dbt-native model, where dbt itself runs none. The supervisor calls dbt for the rest."""
        node = self.project.manifest.expect(message["unique_id"])
        if node.language != "python" or self._native is None:
            raise SessionError("session::op", "the supervisor itself calls dbt")
        started = datetime.now(timezone.utc)
        try:
            code = compiled(self.project, node, self._materializer.is_incremental(node))
            result = self._native.run_staged(node, code)
        except SessionError as error:
            message = error.message + (f"\n{error.help}" if error.help else "")
            result = {"unique_id": node.unique_id, "status": "error", "message": message}
        ended = datetime.now(timezone.utc)
        step = {
            "name": "execute",
            "started_at": started.isoformat(),
            "completed_at": ended.isoformat(),
        }
        relation = str(self.project.adapter.Relation.create_from(None, node))
        result = {**result, "timing": [step], "execution_time": (ended - started).total_seconds()}
        self.project.record(result, relation)
        return {**result, "relation_name": relation}

    def op_python_job_done(self, message: Any) -> Any:
        if self._native is not None:
            self._native.done(message)
        return {}

    def op_begin(self, message: Any) -> Any:
        self._check_executes()
        self.project.selected = set(message["selected"])
        self.project.adapter.check()
        for node in self.project.python_models():
            self._materializer.check(node)
        return {}

    def op_release(self, message: Any) -> Any:
        """Closes the database file, which dbt is about to open."""
        self.project.adapter.release()
        return {}

    def op_cancel(self, message: Any) -> Any:
        if self._project is not None:
            self._project.cancelled.set()
        self.cancel()
        return {}

    def op_finish(self, message: Any) -> Any:
        if self._project is not None and message.get("interrupted"):
            self._project.cancelled.set()
            self.cancel()
        self._abandon_jobs()
        return {"artifacts_written": False, "failed_hooks": []}

    def op_job_close(self, message: Any) -> Any:
        """Ends a job. The supervisor does not know the relation of a stub's table."""
        result = super().op_job_close(message)
        known = self.project.results.get(result["unique_id"])
        return {**result, "relation_name": known.get("relation_name") if known else None}

    def cancel(self) -> None:
        if self._native is not None:
            self._native.cancel()
        if self._gateway is not None:
            with contextlib.suppress(Exception):  # a job may end at the same moment
                self._gateway.cancel()

    def close_database(self) -> None:
        if self._gateway is not None:
            self._gateway.abandon()
        if self._project is not None:
            self._project.adapter.release()
