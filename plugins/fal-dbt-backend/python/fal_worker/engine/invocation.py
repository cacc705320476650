"""Runs one stock invocation of dbt on a thread that waits for the host where dbt would go on by
itself.

dbt's command line is called as usual and blocks that thread until the run ends. So the host's
requests come on other threads, and reach it through queues (`_begin`, `HostQueue`) and futures. dbt
keeps its invocation, project root and flags in context variables of its thread, which other threads
lack: they enter a copy of its context by `LiveProject.within`.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from fal_worker.errors import Interrupted, SessionError, from_exception
from fal_worker.materialization.materialized import Names
from fal_worker.project.graph import COLLECTIONS, run_graph
from fal_worker.project.interface import table_of
from fal_worker.project.live import LiveProject
from fal_worker.project.overrides import without_our_keywords
from fal_worker.project.results import artifacts_written, failed_hooks, to_node_result
from fal_worker.protocol import NodeResult, OpenRequest, RunGraph

from . import arguments
from .batches import BatchFailures
from .events import in_file_alone
from .hooks import named_in_errors
from .queue import HostQueue
from .startup import DeferredManifest, SchemaCache
from .stub_refs import as_tables
from .task import Stop, host_task, installed


class Invocation:
    """One run of dbt. Its states: parsing, parsed (waits for `begin`), ready (waits for nodes),
    ended.
    """

    def __init__(
        self, request: OpenRequest, callback: Callable[[Any], None], stub_paths: set[str]
    ) -> None:
        self.request = request
        self.executes = bool(request.get("execute"))
        # Whether the scripts of the last run are to run, whose results are in its run_results.json.
        self.of_last_run = request["command"] == arguments.OF_LAST_RUN
        # Whether the run has scripts but no dbt nodes, or writes nothing: no on-run-start and -end,
        # and no artifacts.
        self.only_scripts = self.of_last_run or request.get("show_limit") is not None
        self.project = LiveProject(request, self.of_last_run)
        self.batch_failures = BatchFailures()
        self.queue: HostQueue | None = None
        # dbt's runner for a node that needs a runner other than dbt's default.
        self.runner_of: Callable[[Any], type | None] = lambda node: None
        self.result: Any = None
        self.on_parsed: Future[RunGraph] = Future()
        self.on_ready: Future[None] = Future()
        self._callback, self._stub_paths = callback, stub_paths
        self._nodes: dict[str, Future[NodeResult]] = {}
        self._lock = threading.Lock()
        self._beginning = False
        self._begin: queue.SimpleQueue[set[str] | BaseException] = queue.SimpleQueue()
        self._started_ns = time.time_ns()
        self._schemas = SchemaCache(request["state_dir"])
        self._manifest = DeferredManifest()
        self._thread = threading.Thread(target=self._main, name="dbt", daemon=True)

    def start(self) -> None:
        self._thread.start()

    # What the task says, on dbt's thread.

    def parsed(self, task: Any) -> None:
        """Reports that the manifest is loaded."""
        self._manifest.restore()
        self.project.parsed(task, self._stub_paths)
        graph = run_graph(task)
        Names(self.project).show(self.project.stubs, graph, partial(table_of, self.project))
        self.on_parsed.set_result(graph)
        self._schemas.save()

    def selection(self) -> set[str]:
        """Blocks until the host has selected the nodes to run."""
        selected = self._begin.get()
        if isinstance(selected, BaseException):
            raise selected
        from dbt import selected_resources

        known = {uid for name in COLLECTIONS for uid in getattr(self.project.manifest, name, {})}
        self.project.selected = selected & known
        selected_resources.set_selected_resources(self.project.selected)
        return set(self.project.selected)

    @property
    def only_python_unit_tests(self) -> bool:
        """Whether only unit tests of Python models run, which the host runs without the warehouse."""
        unit_tests, selected = self.project.manifest.unit_tests, self.project.selected
        return bool(selected) and all(
            uid in unit_tests and self._is_python(unit_tests[uid]) for uid in selected
        )

    def _is_python(self, test: Any) -> bool:
        model = self.project.manifest.nodes.get(test.depends_on.nodes[0])
        return model is not None and (
            model.unique_id in self.project.stubs
            or str(getattr(model, "language", "")).endswith("python")
        )

    def ready(self) -> None:
        """Reports that schemas, cache and on-run-start are done."""
        self.on_ready.set_result(None)

    def node_ended(self, result: Any) -> None:
        with self._lock:
            future = self._nodes.pop(result.node.unique_id, None)
        if future is not None:
            future.set_result(self.batch_failures.explained(to_node_result(result)))

    # What the host wants, on any thread.

    def begin(self, selected: set[str], only_scripts: bool = False) -> None:
        self.only_scripts = self.only_scripts or only_scripts
        self._beginning = True
        self._begin.put(selected)

    def run_node(self, unique_id: str) -> Future[NodeResult]:
        if self.queue is None or not self.on_ready.done():
            raise SessionError("session::order", "`run` came before `begin` was answered")
        if unique_id not in self.project.selected:
            raise SessionError(
                "session::unknown_node", f"{unique_id} is not among the nodes of `begin`"
            )
        future: Future[NodeResult] = Future()
        with self._lock:
            if not self._thread.is_alive():
                raise self._end()
            if unique_id in self._nodes:
                raise SessionError("session::order", f"{unique_id} is running already")
            self._nodes[unique_id] = future
        self.queue.put(unique_id)
        return future

    def write_manifest(self) -> None:
        """Writes manifest.json now: a session that only looks at the graph ends without `finish`."""
        self.project.within(self._manifest.write)

    def cancel_queries(self) -> None:
        """Interrupts the running queries."""
        if not self.project.is_parsed or not self._thread.is_alive():
            return
        adapter = self.project.adapter
        if adapter.is_cancelable():
            with adapter.connection_named("fal_cancel"):
                for _ in adapter.cancel_open_connections() or ():
                    pass

    # The end.

    def finish(self) -> None:
        """Ends the run: no more nodes; dbt runs on-run-end and writes artifacts."""
        self._leave(None)
        self._thread.join()

    def interrupt(self, cancel: Callable[[], None], patience: float) -> None:
        """Ends dbt as Ctrl-C does, once the running nodes have ended or `patience` seconds are
        over.
        """
        self.project.cancelled.set()
        deadline = time.monotonic() + patience
        self.until_idle(cancel, deadline)
        self._give_up_nodes()
        self._leave(KeyboardInterrupt())
        while self._thread.is_alive() and time.monotonic() < deadline + patience:
            cancel()
            self._thread.join(0.05)

    def until_idle(self, cancel: Callable[[], None], deadline: float | None) -> None:
        """Repeats cancelling until no node runs."""
        while (self._nodes or self.project.is_working or self._is_beginning()) and (
            deadline is None or time.monotonic() < deadline
        ):
            cancel()
            time.sleep(0.02)

    def _is_beginning(self) -> bool:
        return self._beginning and not self.on_ready.done()

    def _give_up_nodes(self) -> None:
        with self._lock:
            left, self._nodes = self._nodes, {}
        for unique_id, future in left.items():
            result: NodeResult = {
                "unique_id": unique_id,
                "status": "error",
                "message": Interrupted().message,
            }
            self.project.record(result)
            future.set_result(result)

    def _leave(self, error: BaseException | None) -> None:
        if self.queue is not None and self._thread.is_alive():
            self.queue.close(error)
        self._begin.put(Stop())

    def artifacts_written(self) -> bool:
        """Whether run_results.json is written or not wanted."""
        return self.only_scripts or artifacts_written(self.project.task, self._started_ns)

    def failed_hooks(self) -> list[NodeResult]:
        return failed_hooks(self.project.task)

    def failure(self) -> BaseException | None:
        """The error that ended dbt's invocation, unless it ended regularly."""
        error = getattr(self.result, "exception", None)
        return None if isinstance(error, (Stop, KeyboardInterrupt)) else error

    # The thread.

    def _main(self) -> None:
        try:
            self.result = self._invoke()
            if self.result.exception is not None and self.project.is_parsed:
                self.project.within(self._manifest.write)
            error = self.failure()
        except BaseException as raised:  # noqa: BLE001 (the host waits for an answer)
            error = raised
        for future in (self.on_parsed, self.on_ready):
            if not future.done():
                self._settle(future, error)
        with self._lock:
            left, self._nodes = self._nodes, {}
        for waiting in left.values():
            waiting.set_exception(self._end())

    def _settle(self, future: Future[Any], error: BaseException | None) -> None:
        if error is not None:
            future.set_exception(from_exception(error))
        elif future is self.on_ready and (hooks := self.failed_hooks()):
            # skip_nodes_if_on_run_start_fails: dbt has skipped everything and ended.
            future.set_exception(
                SessionError("dbt::on_run_start", hooks[0]["message"] or "on-run-start failed")
            )
        else:
            future.set_result(None)

    def _end(self) -> SessionError:
        error = self.failure()
        return (
            from_exception(error)
            if error is not None
            else SessionError("session::ended", "dbt's run has ended")
        )

    def _invoke(self) -> Any:
        from dbt.cli.main import cli, dbtRunner

        command = arguments.command_of(self.request)
        known = {param.name for param in cli.commands[command].params}
        words = arguments.words(self.request, known)
        sys.argv = ["dbt", *words]  # dbt notes it as the invocation's command
        self._manifest.install()
        try:
            with contextlib.ExitStack() as changed:
                for change in (
                    installed(command, host_task(self)),
                    as_tables(self.project.stubs),
                    without_our_keywords(),
                    named_in_errors(),
                    in_file_alone(),
                ):
                    changed.enter_context(change)
                changed.enter_context(self._schemas.used())
                return dbtRunner(callbacks=[self._callback, self.batch_failures.event]).invoke(
                    words
                )
        finally:
            self._manifest.restore()
