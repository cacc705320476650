"""dbt's build task with the host in place of dbt's own queue, and its installation in dbt's
command.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import TASKS
from .queue import HostQueue
from .stub_refs import defer_stubs, listed_as_tables

if TYPE_CHECKING:
    from .invocation import Invocation


class Stop(BaseException):
    """Ends dbt's invocation before it touches the warehouse.

    Not an `Exception`, so that no handler of dbt catches it.
    """


def host_task(invocation: Invocation) -> type:
    """Returns the subclass of `BuildTask` that serves this invocation. Made late, since dbt must be
    imported.
    """
    from dbt.artifacts.schemas.results import RunStatus
    from dbt.graph import Graph
    from dbt.task.build import BuildTask
    from networkx import DiGraph

    class HostTask(BuildTask):
        _flattened_nodes: list[Any]
        MARK_DEPENDENT_ERRORS_STATUSES: list[Any]

        def compile_manifest(self) -> None:
            # The host selects while dbt makes its own graph, and reports cycles better.
            invocation.parsed(self)
            if invocation.executes:
                super().compile_manifest()
            else:
                self.graph = Graph(DiGraph())  # not used: the host has its own graph

        def _get_deferred_manifest(self) -> Any:
            deferred = super()._get_deferred_manifest()
            if deferred is not None:
                defer_stubs(deferred, invocation.project.stubs)
            return deferred

        def get_graph_queue(self) -> HostQueue:
            self.selected_unit_tests: set[str] = set()
            self.model_to_unit_test_map: dict[str, Any] = {}
            queue = HostQueue(self.manifest, invocation.selection())
            invocation.queue = queue
            _take_batches(self, invocation.request.get("retry_of"))
            return queue

        def get_model_schemas(self, adapter: Any, selected_uids: Any) -> set[Any]:
            if invocation.project.show_limit is not None:
                return set()
            # dbt makes no schema for an ephemeral node.
            with listed_as_tables(self.manifest, invocation.project.stubs):
                schemas: set[Any] = super().get_model_schemas(adapter, selected_uids)
            return schemas

        def populate_adapter_cache(self, *args: Any, **kwargs: Any) -> Any:
            # Unit tests of Python models need no tables; they also run without a warehouse.
            if invocation.only_python_unit_tests:
                return
            # dbt looks at no schema that has only ephemeral nodes. In one it has not looked at, it
            # does not know which views hang on a table, and so not that they are gone with the
            # table that a Python model replaces.
            with listed_as_tables(self.manifest, invocation.project.stubs):
                super().populate_adapter_cache(*args, **kwargs)

        def _runtime_initialize(self) -> None:
            super()._runtime_initialize()
            if invocation.only_scripts:
                # With nothing to run, dbt would end before the warehouse is ready.
                self._flattened_nodes = _Unempty(self._flattened_nodes)

        def safe_run_hooks(self, adapter: Any, hook_type: Any, *args: Any, **kwargs: Any) -> Any:
            if invocation.only_scripts:
                return RunStatus.Success
            if invocation.only_python_unit_tests and not self.get_hooks_by_type(hook_type):
                return RunStatus.Success  # dbt ends a transaction first, and would connect for it
            return super().safe_run_hooks(adapter, hook_type, *args, **kwargs)

        def get_result(self, *args: Any, **kwargs: Any) -> Any:
            result = super().get_result(*args, **kwargs)
            # What the host read of the command line, and dbt did not get.
            result.args.update(invocation.request.get("host_args") or {})
            return _Unwritten(result.results) if invocation.only_scripts else result

        def task_end_messages(self, results: Any) -> None:
            super().task_end_messages(results)
            if getattr(self.args, "show", False):
                _show_seeds(results)

        def get_runner_type(self, node: Any) -> Any:
            return invocation.runner_of(node) or super().get_runner_type(node)

        def run_queue(self, pool: Any) -> None:
            invocation.ready()
            super().run_queue(pool)

        def call_runner(self, runner: Any, *args: Any, **kwargs: Any) -> Any:
            if invocation.project.cancelled.is_set():
                runner.do_skip()
            result = super().call_runner(runner, *args, **kwargs)
            invocation.batch_failures.note(runner, result)
            return result

        def _handle_result(self, result: Any) -> None:
            # The host itself skips the nodes downstream of a failed one.
            marked, self.MARK_DEPENDENT_ERRORS_STATUSES = self.MARK_DEPENDENT_ERRORS_STATUSES, []
            try:
                super()._handle_result(result)
            finally:
                self.MARK_DEPENDENT_ERRORS_STATUSES = marked
            invocation.node_ended(result)

    return HostTask


def _take_batches(task: Any, run_results: str | None) -> None:
    """For `retry`: takes over which batches of microbatch models went well in the run before, as
    dbt's own retry does.

    dbt 1.8 has no batches.
    """
    if run_results is None or not hasattr(task, "batch_map"):
        return
    from dbt.contracts.state import load_result_state

    previous = load_result_state(Path(run_results))
    if previous is None:
        return
    # Without a batch that went well the model may have to be built as on a first run, which batches
    # in the map forbid.
    task.batch_map = {
        result.unique_id: result.batch_results
        for result in previous.results
        if result.batch_results is not None
        and result.batch_results.successful
        and result.batch_results.failed
    }
    began = getattr(previous.metadata, "invocation_started_at", None)
    task.original_invocation_started_at = began or previous.metadata.generated_at


def _show_seeds(results: Iterable[Any]) -> None:
    """For `seed --show`: prints up to ten rows of each loaded seed, as dbt does."""
    for result in results:
        table = getattr(result, "agate_table", None)
        if table is None or str(getattr(result.status, "value", result.status)) == "error":
            continue
        header = f"Random sample of table: {result.node.schema}.{result.node.alias}"
        # Its default is the standard output that was there when agate was imported.
        text = io.StringIO()
        table.order_by(lambda row: random.random()).print_table(
            max_rows=10, max_columns=None, output=text
        )
        print(f"{header}\n{'-' * len(header)}\n{text.getvalue()}")


class _Unempty(list[Any]):
    """Nodes to run, which never look empty to dbt."""

    def __len__(self) -> int:
        return max(1, super().__len__())


class _Unwritten(list[Any]):
    """A result of dbt's run without the method that writes run_results.json, so that the earlier
    run's file is kept.
    """

    @property
    def results(self) -> list[Any]:
        return self


@contextlib.contextmanager
def installed(command: str, task: type) -> Iterator[None]:
    """While active, the next task that dbt's `command` makes is `task`.

    The original class is restored as soon as the task is made.
    """
    module_name, attribute = TASKS[command]
    module = importlib.import_module(module_name)
    original = getattr(module, attribute)

    def make(*args: Any, **kwargs: Any) -> Any:
        setattr(module, attribute, original)
        return task(*args, **kwargs)

    make.from_args = getattr(task, "from_args", None)  # type: ignore[attr-defined]
    setattr(module, attribute, make)
    try:
        yield
    finally:
        setattr(module, attribute, original)
