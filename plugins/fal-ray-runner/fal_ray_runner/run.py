"""Runs one node: its attempts, retries and outcome."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from . import demand
from .demand import Demand

if TYPE_CHECKING:
    from .runs import Runs

Outcome = dict[str, Any]
# Seconds between looks at a waiting node, and seconds after which its Python is checked.
_ROUND, _SUSPICIOUS = 2.0, 20.0
# A worker waits so long for a table of another machine; a dead machine is known to be dead after about ten seconds.
_TABLE_PATIENCE = 30.0
_MACHINE_PATIENCE = 60.0
_BREATH = 0.5


class _Stopped(Exception):
    """The node cannot run; the message is for the user."""


class Run:
    """A node's attempts.

    Ray's own retries are off: the driver would not notice them, and Ray would run a finished node
    again to recover a lost table.
    """

    def __init__(self, runs: Runs, node: Mapping[str, Any]) -> None:
        self.unique_id: str = node["unique_id"]
        self._runs, self._node = runs, node
        self._ray = runs.ray
        self._demand = Demand(dict(node["amounts"]), node["accelerator"])
        self._lock = threading.Lock()
        self._task: Any = None
        self._place: dict[str, Any] = {}
        self._since: float | None = None
        self._suspected = False

    def to_its_end(self) -> Outcome:
        """Runs the node, and retries it if its worker or machine dies.

        Returns the outcome: `ok`, and a message if it is false.
        """
        allowed = 1 + int(self._runs.settings["retries"])
        for attempt in range(1, allowed + 1):
            self._place, self._since = {}, None
            try:
                return self._attempt() | {"attempts": attempt}
            except _Stopped as stopped:
                return {"ok": False, "message": str(stopped), "attempts": attempt}
            except self._ray.exceptions.TaskCancelledError:
                return {"ok": False, "message": "cancelled"}
            except self._deaths() as death:
                if self._runs.cancelled.is_set():
                    return {"ok": False, "message": "cancelled"}
                if self._is_late():
                    message = f"the model ran longer than its timeout, and its process was ended {self._where()}"
                    return {"ok": False, "message": message, "attempts": attempt}
                wrong = "" if self._place else self._wrong_python()
                if wrong:
                    return {"ok": False, "message": wrong, "attempts": attempt}
                details = f"{self._where()}: {_first_sentence(death)}"
                if attempt == allowed:
                    message = f"the model's process died {details} (attempt {attempt} of {allowed})"
                    return {"ok": False, "message": message, "attempts": attempt}
                self._runs.log(f"{self._name()}: its process died {details}; running it again", "warn", self.unique_id)
                self._let_machine_go(death)
            except self._ray.exceptions.RayError as error:
                return {"ok": False, "message": f"Ray could not run the model {self._where()}: {error}"}
        raise AssertionError("an attempt has an outcome")

    def cancel(self) -> None:
        """Kills the task, even if it still waits for a machine."""
        with self._lock:
            task = self._task
        if task is not None:
            try:
                self._ray.cancel(task, force=True)
            except Exception as error:
                self._runs.log(f"{self._name()}: cancelling: {error}")

    def _attempt(self) -> Outcome:
        self._wait_for_machine()
        runs, node = self._runs, self._node
        options: dict[str, Any] = {**self._demand.options(), "name": f"fal-host: {self._name()}"}
        if node["runtime_env"]:
            options["runtime_env"] = node["runtime_env"]
        if runs.settings["scheduling"] == "spread":
            options["scheduling_strategy"] = "SPREAD"
        arguments = (node["script"], runs.references(node), runs.keeps(node), _TABLE_PATIENCE)
        task = runs.task.options(**options).remote(*arguments)
        with self._lock:
            self._task = task if runs.streams else task[0]
        if runs.cancelled.is_set():
            self.cancel()
        return self._streamed(task) if runs.streams else self._awaited(*task)

    def _streamed(self, task: Any) -> Outcome:
        self._wait_for_start(lambda: self._ray.wait([task], timeout=_ROUND)[0])
        self._place, self._since = self._ray.get(next(task)), time.monotonic()
        self._runs.log(f"{self._name()}: runs {self._where()}", unique_id=self.unique_id)
        end = self._ray.get(next(task))
        try:
            table = None if end["bytes"] is None else next(task)
        except (StopIteration, self._ray.exceptions.RayError):
            table = None
        return self._ended(end, table)

    def _awaited(self, end: Any, table: Any) -> Outcome:
        self._wait_for_start(lambda: self._ray.wait([end], timeout=_ROUND)[0])
        ended = self._ray.get(end)
        self._place = ended
        self._runs.log(f"{self._name()}: ran {self._where()}", unique_id=self.unique_id)
        return self._ended(ended, table)

    def _ended(self, end: Mapping[str, Any], table: Any) -> Outcome:
        self._runs.took(self.unique_id, end, table)
        node = self._place.get("node")
        if end["code"] == 0:
            return {"ok": True, "node": node}
        if end["code"] == 1:
            return {"ok": False, "node": node, "message": f"the model failed {self._where()}"}
        words = end["words"] or f"exit code {end['code']}"
        return {"ok": False, "node": node, "message": f"the model could not work {self._where()}: {words}"}

    def _wait_for_machine(self) -> None:
        """Waits up to `queue_timeout` until the cluster has a large enough machine, busy or not."""
        patience = float(self._runs.settings["queue_timeout"])
        until, warned = time.monotonic() + patience, False
        while True:
            machines = self._runs.machines()
            if any(self._demand.fits(machine["Resources"]) for machine in machines):
                return
            has = f"it asks for {self._demand}; the cluster has {demand.machines(machines)}"
            if time.monotonic() >= until:
                raise _Stopped(f"no machine of the Ray cluster is large enough for the model: {has}")
            if not warned:
                text = f"{self._name()}: no machine is large enough, waiting {patience:g} s for one to join: {has}"
                self._runs.log(text, "warn", self.unique_id)
                warned = True
            if self._runs.cancelled.wait(min(_ROUND, max(until - time.monotonic(), 0.01))):
                raise _Stopped("cancelled")

    def _wait_for_start(self, look: Callable[[], Any]) -> None:
        """Waits until the task starts.

        Ray retries a Python that cannot start for ever, so this checks the model's Python.
        """
        since = time.monotonic()
        while not look():
            wrong = self._wrong_python() if time.monotonic() - since > _SUSPICIOUS else ""
            if wrong:
                self.cancel()
                raise _Stopped(wrong)

    def _wrong_python(self) -> str:
        """Runs a task that checks the model's own Python, once. Returns what is wrong with it, or ""."""
        python = self._node["runtime_env"].get("py_executable")
        if not python or self._suspected:
            return ""
        self._suspected = True
        wrong = self._ray.get(self._runs.look.remote(python))
        return f"the Python {python} of the model cannot run tasks on the cluster: {wrong}" if wrong else ""

    def _let_machine_go(self, death: BaseException) -> None:
        """Pauses before the next attempt.

        If the machine died, waits until the cluster knows, so that Ray does not choose it again.
        """
        self._runs.cancelled.wait(_BREATH)
        if not isinstance(death, self._ray.exceptions.NodeDiedError):
            return
        until, dead = time.monotonic() + _MACHINE_PATIENCE, self._place.get("node_id")
        while any(machine["NodeID"] == dead for machine in self._runs.machines()) and time.monotonic() < until:
            if self._runs.cancelled.wait(_BREATH):
                return

    def _is_late(self) -> bool:
        """Returns whether the model's timeout killed the process because the code did not stop."""
        timeout = self._node.get("timeout")
        return timeout is not None and self._since is not None and time.monotonic() - self._since >= timeout

    def _deaths(self) -> tuple[type[BaseException], ...]:
        known = ("WorkerCrashedError", "NodeDiedError", "OutOfMemoryError", "OwnerDiedError")
        errors = self._ray.exceptions
        return tuple(getattr(errors, name) for name in known if hasattr(errors, name))

    def _name(self) -> str:
        return self.unique_id.rpartition(".")[2]

    def _where(self) -> str:
        if not self._place:
            return "before it reported where it runs"
        return "on {node} ({host}, node {id}, process {pid})".format(id=self._place["node_id"][:8], **self._place)


def _first_sentence(error: BaseException) -> str:
    """Returns the first sentence of an error, without Ray's advice about its own tools."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].partition(". ")[0].rstrip(".")
