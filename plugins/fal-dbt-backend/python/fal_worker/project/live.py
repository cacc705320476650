"""The project over dbt's live objects: the task of a running invocation, its manifest, its
configuration, its adapter.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from fal_worker.errors import Interrupted, SessionError
from fal_worker.protocol import NodeResult, OpenRequest

from . import inline
from .graph import files_of
from .interface import Compiled, is_ephemeral, open_relation
from .overrides import is_overridden
from .results import Outcomes, outcomes_of_task, put_result

T = TypeVar("T")


class LiveProject:
    """Implements `interface.Project`. Until `parsed` was called it only knows the request."""

    def __init__(self, request: OpenRequest, of_last_run: bool) -> None:
        """`of_last_run`: whether scripts of the last run are what runs."""
        self.request = request
        self.stubs: set[str] = set()
        self.selected: set[str] = set()
        self.cancelled = threading.Event()
        self.outcomes = Outcomes(
            lambda: outcomes_of_task(self.task),
            (lambda: str(self.task.result_path())) if of_last_run else None,
        )
        self._task: Any = None
        self._context: contextvars.Context | None = None
        self._lock = threading.Lock()
        self._working = 0

    def parsed(self, task: Any, stub_paths: set[str]) -> None:
        """Takes dbt's task once the manifest is there.

        To be called on dbt's thread, whose context it keeps.
        """
        self._task, self._context = task, contextvars.copy_context()
        files = files_of(task.config)
        self.stubs |= {
            node.unique_id
            for node in task.manifest.nodes.values()
            if files.path(node) in stub_paths
        }

    @property
    def is_parsed(self) -> bool:
        return self._task is not None

    @property
    def task(self) -> Any:
        if self._task is None:
            raise SessionError("session::order", "the project is not loaded yet")
        return self._task

    @property
    def manifest(self) -> Any:
        return self.task.manifest

    @property
    def config(self) -> Any:
        return self.task.config

    @property
    def adapter(self) -> Any:
        from dbt.adapters.factory import get_adapter

        return get_adapter(self.config)

    @property
    def keyword(self) -> str:
        return self.request.get("keyword") or "fal"

    @property
    def show_limit(self) -> int | None:
        return self.request.get("show_limit")

    def within(self, function: Callable[..., T], *args: Any) -> T:
        """Calls a function on this thread with dbt's context (invocation, project root) set."""
        if self._context is None:
            raise SessionError("session::order", "the project is not loaded yet")
        # A context can be entered by one thread at a time, so each call gets a copy.
        return self._context.copy().run(function, *args)

    def record(self, result: NodeResult, relation_name: str | None = None) -> None:
        node = self.manifest.expect(result["unique_id"])
        if not is_ephemeral(self, node):  # dbt has no result for these
            put_result(self.task.node_results, node, result, relation_name)
        _log(result)

    def relation(self, reader: Any, target: Any) -> Any:
        """By dbt's own resolvers: deferral and `--empty` included.

        A stub's is the table that its Python model writes (`engine.stub_refs`).
        """
        if (own := open_relation(target.unique_id)) is not None:
            return own
        from dbt.context.providers import RuntimeRefResolver, RuntimeSourceResolver

        known = self.adapter, reader, self.config, self.manifest
        if target.resource_type == "source":
            return RuntimeSourceResolver(*known).resolve(target.source_name, target.name)
        if is_ephemeral(self, target):
            return None
        return RuntimeRefResolver(*known).create_relation(target)

    def has_macro(self, name: str) -> bool:
        return is_overridden(self.manifest, name)

    def compile_sql(
        self, sql: str, of: Any = None, leased: frozenset[str] | None = None
    ) -> Compiled:
        return inline.compile_sql(self.task, self.adapter, sql, of, leased)

    def compile_unit_test(self, unique_id: str, sql: str) -> str:
        return inline.compile_unit_test(self.task, unique_id, sql)

    def compile_stub(self, unique_id: str) -> None:
        with self.adapter.connection_named(unique_id):
            node = self.manifest.expect(unique_id)
            if not node.compiled:
                self.task.compiler.compile_node(node, self.manifest, {})

    def finishing(self, node: Any, relation: Any) -> None:
        """dbt's own macros finish a table."""

    def macros(self, node: Any) -> dict[str, Any]:
        """The names that macros of the node see: macros, `this`, `config`."""
        from dbt.context.providers import generate_runtime_model_context

        names: dict[str, Any] = generate_runtime_model_context(node, self.config, self.manifest)
        return names

    @property
    def is_working(self) -> bool:
        return self._working > 0

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Marks that dbt works on a node outside its task, so that an interruption waits for
        this work too.
        """
        with self._lock:
            self._working += 1
        try:
            if self.cancelled.is_set():
                raise Interrupted()
            yield
        finally:
            with self._lock:
                self._working -= 1


def _log(result: NodeResult) -> None:
    """Adds a line to dbt.log on a node that dbt did not run. Errors come at the end, from dbt itself."""
    from dbt_common.events.base_types import EventLevel
    from dbt_common.events.functions import fire_event
    from dbt_common.events.types import Note

    seconds = result.get("execution_time") or 0.0
    how = "" if result["status"] != "success" else f" {result.get('message') or ''}".rstrip()
    text = f"{result['unique_id']}: {result['status']}{how} in {seconds:.2f}s"
    fire_event(Note(msg=text), EventLevel.INFO)
