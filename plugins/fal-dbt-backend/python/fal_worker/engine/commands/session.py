"""The operations of a session over the `dbt` command, as docs/notes/worker-protocol.md names them."""

from __future__ import annotations

import contextlib
import json
import os
from concurrent.futures import Future
from typing import Any

from fal_worker.engine.operations import SessionOperations, not_loaded, stub_paths
from fal_worker.errors import Interrupted, SessionError
from fal_worker.gateway.service import GatewayService
from fal_worker.project.results import rows_of
from fal_worker.protocol import Outbox

from . import graph, words
from .artifacts import Artifact
from .gate import Gate
from .gateway import TableMaterializer
from .lines import Ear
from .manifest import Manifest
from .process import Dbt, Ended
from .project import Project
from .schedule import Schedule
from .selectors import word
from .settings import read

# Seconds that an interrupted dbt gets to end by itself. The host promises the user two seconds in all.
_PATIENCE = 0.8


class CommandSession(SessionOperations):
    """A session over the `dbt` program."""

    def __init__(self, request: Any, outbox: Outbox, program: str, reason: str) -> None:
        """`reason` says why this engine and not the other."""
        super().__init__(request, outbox)
        self._reason = reason
        self._dbt = Dbt(program)
        self._project: Project | None = None
        self._artifact: Artifact | None = None
        self._gate: Gate | None = None
        self._schedule: Schedule | None = None
        self._calls = 0

    def op_load(self, message: dict[str, Any]) -> dict[str, Any]:
        if self._project is not None:
            raise SessionError("session::order", "the project is loaded already")
        level = "info" if self._request.get("execute") else "debug"
        self._outbox.log(
            level, f"dbt runs as a program, {self._dbt.program}: {self._reason}", "SecondEngine"
        )
        settings = read(self._request)
        models = message.get("python_models") or []
        ear = self._parse()
        manifest = Manifest.read(os.path.join(settings.target_path, "manifest.json"))
        self._project = project = Project(self._request, settings, manifest, stub_paths(models))
        args = {
            "which": words.batch(self._request, [])[0],
            "vars": settings.vars,
            "project_dir": settings.project_root,
        }
        self._artifact = Artifact(settings.target_path, graph.run_results_metadata(manifest), args)
        self._gate = Gate(project.adapter.is_shared, project.adapter.release)
        self._gateway = GatewayService(
            project, TableMaterializer(project), self._outbox, message["gateway"]["socket_dir"]
        )
        answer = graph.run_graph(project, self._dbt.program, args, ear.adapter_version)
        return {**answer, "gateway": {"location": self._gateway.location}}

    def op_select(self, message: dict[str, Any]) -> dict[str, Any]:
        if message["method"] == "state" and self.project.stubs:
            told = "`state:` sees changes of what Python models read, not of their code, where dbt runs as a program"
            self._outbox.log("warn", told, "StateOfStubs")
        found: list[str] = []

        def said(line: str) -> None:
            found.extend(_ids(line))

        def hear(event: dict[str, Any]) -> None:
            # With JSON logs, what `ls` lists comes as events.
            if event["info"].get("name") in ("ListCmdOut", "PrintEvent"):
                said(str(event["info"].get("msg") or ""))

        ended = self._dbt.call(
            words.select(self._request, message["method"], message["value"]), hear, said
        )
        if ended.code != 0:
            raise SessionError("dbt::selector", ended.message())
        return {"unique_ids": sorted(set(found))}

    def op_begin(self, message: dict[str, Any]) -> dict[str, Any]:
        self._check_executes()
        project = self.project
        known = {*project.manifest.nodes, *project.manifest.unit_tests}
        project.selected = set(message["selected"]) & known
        project.only_scripts = project.of_last_run or (
            bool(message.get("scripts")) and not project.selected
        )
        plan = graph.plan(project)
        if plan.elsewhere or message.get("scripts"):
            project.adapter.check()
        if plan.elsewhere:
            self._warn(project)
        self._schedule = Schedule(plan, project.results, self._call)
        return {}

    def op_run(self, message: dict[str, Any]) -> Future[dict[str, Any]]:
        if message.get("lend"):
            raise SessionError(
                "session::lend",
                f"{message['unique_id']} is a dbt-native Python model, which dbt runs itself where it runs as a program: no runner can",
                "Let it run here (runner: local), or make it a script that calls write_to_model.",
            )
        return self._scheduled.ask(message["unique_id"])

    def op_job_open(self, message: dict[str, Any]) -> dict[str, Any]:
        if message.get("role") is None:
            self._scheduled.reached(message["unique_id"])
        self._gated.enter(message["job"])
        try:
            return super().op_job_open(message)
        except BaseException:
            self._gated.leave(message["job"])
            raise

    def op_job_close(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            return super().op_job_close(message)
        finally:
            self._gated.leave(message["job"])

    def op_cancel(self, message: dict[str, Any]) -> dict[str, Any]:
        if self._project is not None:
            self._project.cancelled.set()
        self.cancel()
        return {}

    def op_finish(self, message: dict[str, Any]) -> dict[str, Any]:
        project, artifact = self._project, self._artifact
        if project is None or artifact is None or self._schedule is None:
            return {"artifacts_written": False, "failed_hooks": []}
        if message.get("interrupted"):
            project.cancelled.set()
            self.cancel()
            self._dbt.end_within(_PATIENCE)
        self._abandon_jobs()
        self._schedule.close()
        self._schedule.join(_PATIENCE if message.get("interrupted") else None)
        if project.only_scripts:
            return {"artifacts_written": True, "failed_hooks": []}
        artifact.write(
            list(project.results.values()), str(project.manifest.metadata.invocation_id or "")
        )
        return {"artifacts_written": True, "failed_hooks": artifact.failed_hooks()}

    def cancel(self) -> None:
        """Ends what runs."""
        self._dbt.cancel()
        if self._gate is not None:
            self._gate.close()
        if self._gateway is not None:
            with contextlib.suppress(Exception):  # what is interrupted may end at the same moment
                self._gateway.cancel()

    def close_database(self) -> None:
        """At the end of the process, whatever its reason: nothing is left that works on."""
        self._dbt.kill()
        if self._gateway is not None:
            self._gateway.abandon()
        if self._project is not None:
            self._project.adapter.release()

    # Calls of dbt.

    def _parse(self) -> Ear:
        ear = Ear(self._outbox, bool(self._request.get("debug")))
        ended = self._dbt.call(words.parse(self._request), ear.event, ear.line)
        if ended.code != 0:
            raise SessionError(_code(ended), ended.message())
        return ear

    def _call(self, begin: Any, early: Any) -> list[dict[str, Any]]:
        """One call, when the database is dbt's."""
        project, artifact = self.project, self._artifact
        assert artifact is not None
        with self._gated.dbt():
            batch = begin()
            artifact.forget()
            ear = Ear(
                self._outbox,
                bool(self._request.get("debug")),
                lambda result: result["unique_id"] in batch and early(result),
            )
            nodes = sorted(batch)
            self._calls += 1
            self._outbox.log("debug", f"call {self._calls} of dbt: {', '.join(nodes)}", "Batch")
            selectors = [word(project.manifest.expect(node)) for node in nodes]
            # `build` runs a unit test only ahead of its model.
            command = "test" if all(node.startswith("unit_test.") for node in nodes) else None
            ended = self._dbt.call(
                words.batch(self._request, selectors, command), ear.event, ear.line
            )
            results = [_told(result) for result in artifact.take()]
        if not results:
            raise (
                Interrupted()
                if project.cancelled.is_set()
                else SessionError(_code(ended), ended.message())
            )
        return results

    # Small things.

    def _warn(self, project: Project) -> None:
        """Of what is otherwise than the user may think, with Python models among the nodes."""
        if any(node.resource_type == "operation" for node in project.manifest.nodes.values()):
            self._outbox.log(
                "warn",
                "on-run-start and on-run-end run in every call of dbt, of which there may be several",
                "HooksRunAgain",
            )
        words = [str(word) for word in self._request.get("dbt_args") or []]
        if "--defer" in words and "--no-defer" not in words:
            self._outbox.log(
                "warn",
                "--defer counts for SQL: Python models read the tables of this target",
                "NotDeferred",
            )

    @property
    def project(self) -> Project:
        if self._project is None:
            raise not_loaded()
        return self._project

    @property
    def _gated(self) -> Gate:
        if self._gate is None:
            raise not_loaded()
        return self._gate

    @property
    def _scheduled(self) -> Schedule:
        if self._schedule is None:
            raise SessionError("session::order", "`run` came before `begin` was answered")
        return self._schedule


def _told(result: dict[str, Any]) -> dict[str, Any]:
    """A result of run_results.json, with what the protocol adds."""
    return {**result, "rows_affected": rows_of(result.get("adapter_response") or {})}


def _ids(line: str) -> list[str]:
    try:
        value = json.loads(line)
    except ValueError:
        return []
    return [str(value["unique_id"])] if isinstance(value, dict) and "unique_id" in value else []


def _code(ended: Ended) -> str:
    """dbt says in words what kind of error it was."""
    text = ended.message()
    kinds = {
        "Parsing Error": "dbt::parse",
        "Compilation Error": "dbt::compile",
        "Could not find profile": "dbt::profile",
        "Credentials in profile": "dbt::profile",
        "Found a cycle": "dbt::cycle",
        "Database Error": "dbt::database",
    }
    return next((code for said, code in kinds.items() if said in text), "dbt::error")
