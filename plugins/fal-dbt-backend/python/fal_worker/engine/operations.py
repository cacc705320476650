"""The operations of a session that do not depend on how dbt runs; docs/notes/worker-protocol.md
describes all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import Future
from typing import Any

from fal_worker.errors import Interrupted, SessionError
from fal_worker.gateway.jobs import UNIT_TEST
from fal_worker.gateway.service import GatewayService
from fal_worker.project.interface import Project
from fal_worker.project.lineage import lineage
from fal_worker.protocol import (
    BeginRequest,
    CloseResponse,
    CompileRequest,
    CompileResponse,
    Done,
    Finish,
    JobClose,
    JobOpen,
    LentJob,
    Lineage,
    Listen,
    Listening,
    Load,
    Loaded,
    NodeResult,
    OfJob,
    OpenRequest,
    Outbox,
    PythonModel,
    RunNode,
    Selected,
    SelectRequest,
    Settled,
    UnitTestClose,
)
from fal_worker.unit_tests.run import UnitTests


class SessionOperations(ABC):
    """The operations of one run. Each method `op_NAME` returns its answer, or a future of it."""

    def __init__(self, request: OpenRequest, outbox: Outbox) -> None:
        self._request, self._outbox = request, outbox
        self._gateway: GatewayService | None = None

    # Methods that depend on how dbt runs.

    @property
    @abstractmethod
    def project(self) -> Project:
        """The loaded project. Raises before `load`."""

    @abstractmethod
    def op_load(self, message: Load) -> Loaded: ...

    @abstractmethod
    def op_select(self, message: SelectRequest) -> Selected: ...

    @abstractmethod
    def op_begin(self, message: BeginRequest) -> Done: ...

    @abstractmethod
    def op_run(self, message: RunNode) -> Future[NodeResult]: ...

    @abstractmethod
    def op_cancel(self, message: Done) -> Done: ...

    @abstractmethod
    def op_finish(self, message: Finish) -> CloseResponse: ...

    @abstractmethod
    def cancel(self) -> None:
        """Interrupts running queries and jobs."""

    @abstractmethod
    def close_database(self) -> None:
        """Closes the database cleanly and releases it at the end of the process."""

    # Methods that all engines share.

    @property
    def gateway(self) -> GatewayService:
        if self._gateway is None:
            raise not_loaded()
        return self._gateway

    def op_job_open(self, message: JobOpen) -> Done:
        role, model = message.get("role"), message.get("model")
        self.gateway.open_job(message["job"], message["token"], message["unique_id"], role, model)
        return {}

    def op_job_close(self, message: JobClose) -> NodeResult:
        return self.project.within(
            self.gateway.close_job, message["job"], message["ok"], message["result"]
        )

    def op_gateway_listen(self, message: Listen) -> Listening:
        port = self.gateway.listen(
            message["host"], message["port"], message.get("certificate"), message.get("key")
        )
        self.gateway.allow_leased(message.get("env_vars") or [])
        return {"port": port}

    def op_job_lend(self, message: OfJob) -> LentJob:
        return self.project.within(self.gateway.leases.lend, message["job"])

    def op_job_settle(self, message: OfJob) -> Settled:
        return self.gateway.leases.settle(message["job"])

    def op_unit_test_open(self, message: JobOpen) -> dict[str, Any]:
        return self._unit_tests.open(message["job"], message["token"], message["unique_id"])

    def op_unit_test_close(self, message: UnitTestClose) -> NodeResult:
        return self._unit_tests.close(
            message["job"], message["ok"], message.get("rows"), message["result"]
        )

    def op_record(self, message: NodeResult) -> Done:
        self.project.within(self.project.record, message)
        return {}

    def op_lineage(self, message: Done) -> Lineage:
        project = self.project
        return lineage(project.config, project.manifest)

    def op_compile(self, message: CompileRequest) -> CompileResponse:
        return {"sql": self.project.within(self.project.compile_sql, message["sql"]).sql}

    @property
    def _unit_tests(self) -> UnitTests:
        return UnitTests(self.project, self.gateway)

    def _check_executes(self) -> None:
        if not self._request.get("execute"):
            raise SessionError(
                "session::order", "this session was opened to look at the graph only"
            )

    def _abandon_jobs(self) -> None:
        """Undoes jobs that will never report a result, and records that they were interrupted."""
        if self._gateway is None:
            return
        for job in self._gateway.abandon():
            if not job.native and (not job.attached or job.role == UNIT_TEST):
                result: NodeResult = {
                    "unique_id": job.unique_id,
                    "status": "error",
                    "message": Interrupted().message,
                }
                self.project.within(self.project.record, result)


def stub_paths(models: list[PythonModel]) -> set[str]:
    """The paths of the stubs of a `LoadRequest`'s Python models."""
    return {path for model in models if (path := model.get("stub_path"))}


def not_loaded() -> SessionError:
    return SessionError("session::order", "the project is not loaded yet")
