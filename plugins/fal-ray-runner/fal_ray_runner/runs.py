"""The nodes that the driver runs, their shared state and the messages about them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from . import cluster, demand, remote
from .kept import Kept
from .lines import Writer
from .run import Run

# The share of the cluster's object store that tables may fill. Other jobs use the store too.
_SHARE = 0.25


class Runs:
    """All runs of a session. Each run ends with an `ended` message."""

    def __init__(self, ray: Any, settings: Mapping[str, Any], writer: Writer) -> None:
        self.ray, self.settings = ray, settings
        self.streams = not cluster.client(settings["address"])
        self._writer = writer
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}
        self.cancelled = threading.Event()
        self.kept = Kept(self._limit())
        # Pickle by value, because the workers cannot import the module.
        ray.cloudpickle.register_pickle_by_value(remote)
        whole = {"max_calls": 1, "max_retries": 0}
        if self.streams:
            self.task = ray.remote(**whole, num_returns="streaming")(remote.node)
        else:
            self.task = ray.remote(**whole, num_returns=2)(remote.node_at_once)
        self.look = ray.remote(num_cpus=0, max_retries=0)(remote.look)

    def tell_cluster(self) -> None:
        """Logs the resources of the cluster."""
        machines = demand.machines(self.machines())
        self.log(f"Ray {self.ray.__version__}, {self.settings['address']}: {machines}")

    def machines(self) -> list[dict[str, Any]]:
        """Returns the machines that are alive."""
        return [node for node in self.ray.nodes() if node["Alive"]]

    def start(self, node: dict[str, Any]) -> None:
        """Runs a node on a new thread."""
        run = Run(self, node)
        with self._lock:
            self._runs[run.unique_id] = run
        threading.Thread(target=self._follow, args=(run,), daemon=True).start()

    def references(self, node: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Returns the tables that a node may read from the object store.

        A list around each reference keeps Ray from resolving it, so that a lost table does not
        fail the task.
        """
        with self._lock:
            held = self.kept.references(node["inputs"])
        return {name: [reference] for name, reference in held.items()}

    def keeps(self, node: Mapping[str, Any]) -> int:
        """Returns the size of the largest table that is kept for a node, or -1 for none."""
        return self.kept.limit if node["keep"] else -1

    def took(self, unique_id: str, end: Mapping[str, Any], table: Any) -> None:
        """Counts what a node read and holds what it wrote."""
        with self._lock:
            self.kept.count(end["from_store"], end["from_gateway"])
            if table is not None and end["bytes"] is not None:
                self.kept.put(unique_id, table, end["bytes"])

    def cancel(self) -> None:
        """Kills all tasks and starts no further ones."""
        self.cancelled.set()
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            run.cancel()

    def close(self) -> None:
        """Logs the statistics and drops the tables."""
        with self._lock:
            self.log(str(self.kept))
            self.kept.clear()

    def log(self, message: str, level: str = "debug", unique_id: str | None = None) -> None:
        """Sends a line to the host's log."""
        self._writer.send(event="log", level=level, message=message, unique_id=unique_id)

    def _follow(self, run: Run) -> None:
        try:
            outcome = run.to_its_end()
        except BaseException as error:
            message = f"the driver of the Ray runner failed: {type(error).__name__}: {error}"
            outcome = {"problem": {"code": "ray::driver", "message": message, "help": None}}
        with self._lock:
            self._runs.pop(run.unique_id, None)
        self._writer.send(event="ended", unique_id=run.unique_id, **outcome)

    def _limit(self) -> int:
        if not self.settings["keep_tables"]:
            return -1
        if self.settings["max_bytes"] is not None:
            return int(self.settings["max_bytes"])
        return int(self.ray.cluster_resources().get("object_store_memory", 0) * _SHARE)
