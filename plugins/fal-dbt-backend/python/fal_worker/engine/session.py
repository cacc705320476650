"""The operations of the session, as docs/notes/worker-protocol.md names them."""

from __future__ import annotations

import contextlib
import sys
import threading
from concurrent.futures import Future
from importlib.util import find_spec

from fal_worker.errors import Interrupted, SessionError
from fal_worker.gateway.service import GatewayService
from fal_worker.materialization.staging import Materializer
from fal_worker.project.graph import members
from fal_worker.project.live import LiveProject
from fal_worker.protocol import (
    BeginRequest,
    CloseResponse,
    Done,
    Finish,
    Load,
    Loaded,
    NodeResult,
    OpenRequest,
    Outbox,
    PythonJobDone,
    PythonModel,
    RunNode,
    Selected,
    SelectRequest,
)

from .events import EventForwarder
from .invocation import Invocation
from .native import NativeJobs
from .operations import SessionOperations, not_loaded, stub_paths

# Seconds that interrupted nodes get to end by themselves. The host promises the user two seconds in
# all.
_PATIENCE = 0.8


class Session(SessionOperations):
    """A session with dbt inside."""

    def __init__(self, request: OpenRequest, outbox: Outbox) -> None:
        super().__init__(request, outbox)
        self._events = EventForwarder(outbox, bool(request.get("debug")))
        self._invocation: Invocation | None = None
        self._native: NativeJobs | None = None

    def op_load(self, message: Load) -> Loaded:
        if self._invocation is not None:
            raise SessionError("session::order", "the project is loaded already")
        models = message.get("python_models") or []
        self._check_pyarrow(models)
        stubs = stub_paths(models)
        self._events.has_stubs = bool(stubs)
        self._invocation = Invocation(self._request, self._events, stubs)
        self._invocation.start()
        graph = self._invocation.on_parsed.result()
        project = self._invocation.project
        if not self._request.get("execute"):
            self._invocation.write_manifest()
        self._gateway = GatewayService(
            project, Materializer(project), self._outbox, message["gateway"]["socket_dir"]
        )
        self._native = NativeJobs(self._invocation, self._gateway, self._outbox)
        return {**graph, "gateway": {"location": self._gateway.location}}

    def _check_pyarrow(self, models: list[PythonModel]) -> None:
        if models and self._request.get("execute") and find_spec("pyarrow") is None:
            raise SessionError(
                "session::no_pyarrow",
                "Python models need pyarrow beside dbt, and it is not installed",
                "Install it into the environment of dbt: pip install pyarrow",
            )

    def _is_python(self, unique_id: str) -> bool:
        node = self.project.manifest.nodes.get(unique_id)
        return unique_id in self.project.stubs or getattr(node, "language", None) == "python"

    def _start_gateway(self) -> None:
        try:
            self.gateway.start()
        except Exception as error:  # noqa: BLE001 (the first job that opens reports it)
            self._outbox.log("debug", f"the gateway did not start ahead of time: {error}")

    def op_select(self, message: SelectRequest) -> Selected:
        return {
            "unique_ids": self.project.within(self._select, message["method"], message["value"])
        }

    def _select(self, method: str, value: str) -> list[str]:
        from dbt.graph.selector_methods import MethodManager, MethodName

        name, *arguments = method.split(".")
        known = [str(m) for m in MethodName]
        if name not in known:
            raise SessionError(
                "dbt::selector",
                f"`{name}` is not a selection method of dbt",
                f"dbt has: {', '.join(known)}",
            )
        task = self.project.task
        if name == "state" and (
            task.previous_state is None or task.previous_state.manifest is None
        ):
            message = f"`state:{value}` compares with the manifest.json of an earlier run: name the folder that has it, --state DIR"
            raise SessionError("dbt::state", message)
        search = MethodManager(task.manifest, task.previous_state).get_method(
            MethodName(name), arguments
        )
        found = set(search.search({node.unique_id for node in members(task.manifest)}, value))
        return sorted(found)

    def op_begin(self, message: BeginRequest) -> Done:
        self._check_executes()
        invocation = self._loaded
        assert self._native is not None
        self.project.within(self._native.install)
        invocation.begin(
            set(message["selected"]),
            only_scripts=bool(message.get("scripts")) and not message["selected"],
        )
        try:
            invocation.on_ready.result()
        except SessionError:
            if invocation.project.cancelled.is_set():
                raise Interrupted() from None
            raise
        runs_python = any(map(self._is_python, message["selected"]))
        if runs_python or message.get("scripts") or invocation.of_last_run:
            # The first nodes wait for the warehouse: time to import pyarrow, before the first model
            # needs it.
            threading.Thread(
                target=self._start_gateway, name="fal-gateway-start", daemon=True
            ).start()
        return {}

    def op_run(self, message: RunNode) -> Future[NodeResult]:
        return self._loaded.run_node(message["unique_id"])

    def op_python_job_done(self, message: PythonJobDone) -> Done:
        assert self._native is not None
        self._native.done(message)
        return {}

    def op_cancel(self, message: Done) -> Done:
        invocation = self._loaded
        invocation.project.cancelled.set()
        self.cancel()
        # An interrupt that comes between two queries of a node has no effect, so say it until all
        # have ended.
        threading.Thread(
            target=invocation.until_idle, args=(self.cancel, None), name="fal-cancel", daemon=True
        ).start()
        return {}

    def op_finish(self, message: Finish) -> CloseResponse:
        invocation = self._invocation
        if invocation is None:
            return {"artifacts_written": False, "failed_hooks": []}
        if not self._request.get("execute"):
            self._events.muted = True
        if message.get("interrupted"):
            self._interrupt(invocation)
        else:
            self._abandon_jobs()
            invocation.finish()
        interrupted = invocation.project.cancelled.is_set()
        if (
            (error := invocation.failure()) is not None
            and invocation.on_parsed.exception() is None
            and not interrupted
        ):
            raise error
        if invocation.on_parsed.exception() is not None or not self._request.get("execute"):
            return {"artifacts_written": False, "failed_hooks": []}
        return {
            "artifacts_written": invocation.artifacts_written(),
            "failed_hooks": invocation.failed_hooks(),
        }

    def _interrupt(self, invocation: Invocation) -> None:
        invocation.project.cancelled.set()
        self.cancel()
        self._abandon_jobs()
        invocation.interrupt(self.cancel, _PATIENCE)

    def cancel(self) -> None:
        """Interrupts queries of dbt and of the gateway, and models that dbt waits for."""
        for part in (self._native, self._gateway):
            if part is not None:
                # What is interrupted may end, and close its connection, at the same moment.
                with contextlib.suppress(Exception):
                    part.cancel()
        if self._invocation is not None and self._invocation.project.is_parsed:
            with contextlib.suppress(Exception):
                self._invocation.project.within(self._invocation.cancel_queries)

    def close_database(self) -> None:
        """dbt-duckdb holds the file until the process ends; it should be whole and free before
        that.
        """
        if self._gateway is not None:
            self._gateway.abandon()
        module = sys.modules.get("dbt.adapters.duckdb.connections")
        if module is None:
            return
        manager = module.DuckDBConnectionManager
        with manager._LOCK:
            if manager._ENV is not None:
                manager._ENV.close()
            manager.close_all_connections()

    @property
    def project(self) -> LiveProject:
        return self._loaded.project

    @property
    def _loaded(self) -> Invocation:
        if self._invocation is None:
            raise not_loaded()
        return self._invocation
