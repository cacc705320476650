"""Leases: jobs that run elsewhere, the actions that they call, and how a lease begins and ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.project import resolve
from fal_worker.project.interface import table_of
from fal_worker.warehouse.activity import ACTIVITY

from .jobs import unknown
from .lease import Lease, checked_error, checked_lines, checked_wait
from .model_write import NativeWrite
from .reads import Reads, reader_of

if TYPE_CHECKING:
    from fal_worker.project.interface import Project
    from fal_worker.protocol import Input, LentJob, Outbox, Settled

    from .jobs import Job, JobTable
    from .service import GatewayService

ACTIONS = ("job_start", "job_input", "job_output", "job_answer")


class Leases:
    """The leases of one gateway."""

    def __init__(self, project: Project, outbox: Outbox, jobs: JobTable, reads: Reads) -> None:
        self._project, self._outbox, self._jobs, self._reads = project, outbox, jobs, reads

    def lend(self, id: str) -> LentJob:
        """Turns an open job into a leased one, and returns what it reads and writes."""
        job = self._jobs.find(id)
        if job is None or job.lease is not None:
            raise SessionError("session::order", f"job {id} is not open, or is lent already")
        job.lease = Lease(self._jobs, job)
        job.token = ""
        return self._described(job)

    def settle(self, id: str) -> Settled:
        job = self._jobs.find(id)
        if job is None or job.lease is None:
            raise SessionError("session::order", f"job {id} is not lent")
        return job.lease.settle()

    def action(self, name: str, body: dict[str, Any]) -> Any:
        """Runs an action of a leased job.

        Its token is that of an attempt, or for `job_start` that of the lease.
        """
        if name == "job_start":
            return self._start(self._jobs.lease_by_token(body.get("token")))
        job = self.attempt(body.get("token"))
        assert job.lease is not None
        if name == "job_output":
            if lines := checked_lines(body.get("lines") or []):
                self._outbox.event("output", unique_id=job.unique_id, lines=lines)
            job.news.wait(checked_wait(body.get("wait")))
            return {"stop": self._project.cancelled.is_set()}
        if name == "job_input":
            with ACTIVITY.running():
                return self._reads.described(job, body)
        job.lease.answered(job, body.get("ok") is True, checked_error(body.get("error")))
        return {}

    def lease_of(self, action: str | None, token: Any) -> Lease:
        """The lease with this token. The lease's own token is valid only for `job_start`."""
        lease = (
            self._jobs.lease_by_token(token) if action == "job_start" else self.attempt(token).lease
        )
        assert lease is not None
        return lease

    def attempt(self, token: Any) -> Job:
        """The attempt with this token. Jobs of this machine are no attempts."""
        job = self._jobs.by_token(token)
        if job.lease is None:
            raise unknown()
        return job

    def _start(self, lease: Lease) -> dict[str, Any]:
        if self._project.cancelled.is_set():
            raise SessionError("gateway::cancelled", "The run was interrupted")
        return {"token": lease.start().token, "attempt": lease.attempts}

    def _described(self, job: Job) -> LentJob:
        project = self._project
        node = project.manifest.expect(job.unique_id)
        reader = reader_of(project, job)
        inputs: list[Input] = []
        for unique_id in node.depends_on.nodes:
            parent = _node(project.manifest, unique_id)
            relation = (
                None if parent is None else resolve.read_of(project, reader, node, parent).relation
            )
            inputs.append({"unique_id": unique_id, "relation": relation})
        return {
            "inputs": inputs,
            "output": str(table_of(project, node)),
            "output_is_rows": self._is_rows(job, node),
        }

    def _is_rows(self, job: Job, node: Any) -> bool:
        """Whether the relation gets only the job's rows, without changes by dbt or by a script of
        the model.
        """
        ours = (node.config.meta or {}).get(self._project.keyword) or {}
        if not isinstance(ours, dict) or any(
            name in ours for name in ("scripts", "pre-hook", "post-hook")
        ):
            return False
        if isinstance(job.model_write, NativeWrite):
            return bool(node.config.materialized == "table" and not node.config.post_hook)
        return job.model_write is not None and not job.model_write.goes_through_dbt


class RemoteGateway:
    """The gateway that other machines reach: only leased jobs can use it."""

    def __init__(self, gateway: GatewayService, know: Callable[[str, Lease], None]) -> None:
        self._gateway, self._know = gateway, know
        self.call, self.read, self.write = gateway.call, gateway.read, gateway.write
        self.action = gateway.action

    def admit(self, peer: str, action: str | None, token: Any) -> None:
        """Refuses a request without a lease's token before reading anything else; otherwise marks
        the connection as known.
        """
        self._know(peer, self._gateway.leases.lease_of(action, token))


def _node(manifest: Any, unique_id: str) -> Any:
    return manifest.nodes.get(unique_id) or manifest.sources.get(unique_id)
