"""The queue that dbt's task works through, filled by the host node by node."""

from __future__ import annotations

import queue
import threading
from typing import Any


def forget_compiled(node: Any) -> None:
    """dbt injects ephemeral parents only once: a node that runs again in the same session must be
    compiled anew.
    """
    if not getattr(node, "compiled", False) or node.resource_type in ("seed", "unit_test"):
        return
    fresh: dict[str, Any] = {
        "compiled": False,
        "compiled_code": None,
        "extra_ctes_injected": False,
        "extra_ctes": [],
        "_pre_injected_sql": None,
    }
    for name, value in fresh.items():
        if hasattr(node, name):
            setattr(node, name, value)


class HostQueue:
    """Has the names that dbt's tasks use of `dbt.graph.GraphQueue`, the same from 1.8 to 1.12."""

    def __init__(self, manifest: Any, selected: set[str]) -> None:
        self.manifest = manifest
        self.in_progress: set[str] = set()
        self.in_progress_microbatch: set[str] = set()
        self.lock = threading.RLock()
        self.some_task_done = threading.Condition(self.lock)
        self._selected = selected
        self._commands: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()
        self._next: str | None = None
        self._closed = False

    # Methods that dbt calls.

    def get_selected_nodes(self) -> set[str]:
        return set(self._selected)

    def empty(self) -> bool:
        """Blocks until the host sends a node or closes the queue."""
        if self._closed:
            return True
        command = self._commands.get()
        if isinstance(command, str):
            self._next = command
            return False
        self._closed = True
        if command is not None:
            raise command
        return True

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        unique_id, self._next = self._next, None
        assert unique_id is not None, "`get` follows `empty`"
        node = self.manifest.expect(unique_id)
        forget_compiled(node)
        with self.lock:
            self.in_progress.add(unique_id)
            if getattr(node.config, "incremental_strategy", None) == "microbatch":
                self.in_progress_microbatch.add(unique_id)
        return node

    def mark_done(self, unique_id: str) -> None:
        with self.lock:
            self.in_progress.discard(unique_id)
            self.in_progress_microbatch.discard(unique_id)
            self.some_task_done.notify_all()

    def join(self) -> None:
        with self.lock:
            self.some_task_done.wait_for(lambda: not self.in_progress)

    def wait_until_something_was_done(self) -> int:
        with self.lock:
            if self.in_progress:
                self.some_task_done.wait()
            return len(self.in_progress)

    # Methods that the host calls.

    def put(self, unique_id: str) -> None:
        self._commands.put(unique_id)

    def close(self, error: BaseException | None = None) -> None:
        """Closes the queue; with `error`, dbt ends as if it had been raised."""
        self._commands.put(error)
