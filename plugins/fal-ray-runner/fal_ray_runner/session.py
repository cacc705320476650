"""A session of the runner: starts a driver, sends it nodes and waits for their results."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

from fal_plugin import Events, ExecutionSession, PluginError

from .config import Config
from .demand import BadResource, Demand
from .process import Driver

_GRACE = 1.5
_LATE = "connect to the cluster in the time that `connect_timeout` gives"


class _Node:
    """A node that the driver runs, and the event of its end."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.outcome: dict[str, Any] = {}

    def end(self, outcome: dict[str, Any]) -> None:
        self.outcome = outcome
        self.ended.set()


class Session(ExecutionSession):
    """A session. Many threads call it, and `Driver` delivers messages on its own threads."""

    def __init__(self, config: Config, request: dict[str, Any], events: Events) -> None:
        self._config, self._events = config, events
        self._project: str = request["project_dir"]
        self._state: str = request.get("state_dir") or self._project
        self._lock = threading.Lock()
        self._driver: Driver | None = None
        self._connected = threading.Event()
        self._nodes: dict[str, _Node] = {}
        self._problem: PluginError | None = None
        self._cancelled = self._closed = False

    def begin(self, request: dict[str, Any]) -> None:
        """Connects to the cluster, so that problems with it are reported before any model runs."""
        with self._lock:
            self._check()
            if self._driver is None:
                self._driver = self._start()
        self._driver.send(**self._settings())
        if not self._connected.wait(self._config.connect_timeout):
            self._fail(PluginError("ray::connect", f"the driver of the Ray runner did not {_LATE}{self._tail()}"))
        if self._problem is not None:
            self._driver.stop(0.0)
            raise self._problem

    def run_node(self, request: dict[str, Any]) -> dict[str, Any]:
        """Runs a model as a task of the cluster."""
        started = time.monotonic()
        unique_id = request["unique_id"]
        outcome = self._run(unique_id, request)
        if "problem" in outcome:
            problem = outcome["problem"]
            raise PluginError(problem["code"], problem["message"], problem.get("help"))
        return {
            "unique_id": unique_id,
            "status": "success" if outcome["ok"] else "error",
            "message": outcome.get("message"),
            "execution_time": round(time.monotonic() - started, 3),
            "adapter_response": {key: outcome[key] for key in ("node", "attempts") if outcome.get(key)},
        }

    def cancel(self) -> None:
        """Kills all running nodes.

        A driver that does not react in time is killed. The cluster then ends its tasks.
        """
        with self._lock:
            self._cancelled = True
            driver, waiting = self._driver, list(self._nodes.values())
        if driver is None:
            return
        driver.send(op="cancel")
        until = time.monotonic() + _GRACE
        if self._connected.is_set() and all(node.ended.wait(max(until - time.monotonic(), 0.0)) for node in waiting):
            return
        self._fail(PluginError("ray::cancelled", "the run was cancelled"))
        driver.stop(0.0)

    def close(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ends the driver. The cluster stays up."""
        with self._lock:
            self._closed = True
            driver = self._driver
        if driver is not None:
            driver.send(op="close")
            driver.stop(_GRACE)
        return {}

    def drop(self) -> None:
        """Closes a session that was not closed."""
        self.close({})

    def _run(self, unique_id: str, request: dict[str, Any]) -> dict[str, Any]:
        node = _Node()
        task = self._task(unique_id, request)
        if "message" in task:
            return task
        with self._lock:
            self._check()
            if self._driver is None:
                raise PluginError("ray::begin", "a node was to be run before the session began")
            if self._cancelled:
                return {"ok": False, "message": "cancelled"}
            self._nodes[unique_id] = node
            driver = self._driver
        if not driver.send(op="run", **task):
            # The driver is gone. Give the `gone` message time to arrive, which says how it ended.
            node.ended.wait(_GRACE)
        node.ended.wait()
        with self._lock:
            self._nodes.pop(unique_id, None)
        return node.outcome

    def _task(self, unique_id: str, request: dict[str, Any]) -> dict[str, Any]:
        """Returns the driver's task for a node, or an outcome if the node cannot run."""
        lease = request.get("lease")
        if not lease:
            raise PluginError("ray::lease", f"{unique_id} came without a lease: this is a runner, which owns no data")
        environment = (lease.get("environment") or {}).get("name") or (request.get("work") or {}).get("environment")
        try:
            demand = Demand.of(request.get("resources") or {})
            runtime_env = self._config.runtime_env(environment)
            with open(lease["script"], encoding="utf-8") as file:
                script = file.read()
        except (PluginError, BadResource) as error:
            text = error.message if isinstance(error, PluginError) else str(error)
            help = getattr(error, "help", None)
            return {"ok": False, "message": "\n".join(filter(None, [text, help]))}
        except OSError as error:
            raise PluginError("ray::lease", f"the lease of {unique_id} cannot be read: {error}") from None
        return {
            "unique_id": unique_id,
            "script": script,
            "amounts": demand.amounts,
            "accelerator": demand.accelerator,
            "timeout": (request.get("resources") or {}).get("timeout"),
            "runtime_env": runtime_env,
            "inputs": [entry["unique_id"] for entry in lease.get("inputs") or []],
            "keep": bool(lease.get("output_is_rows")),
        }

    def _settings(self) -> dict[str, Any]:
        config = self._config
        return {
            "address": config.address,
            "retries": config.retries,
            "keep_tables": config.keep_tables,
            "max_bytes": config.max_bytes,
            "scheduling": config.scheduling,
            "queue_timeout": config.queue_timeout,
        }

    def _start(self) -> Driver:
        python = self._config.python
        if python is not None and os.path.dirname(python):
            python = self._config.path(python, self._project)
        # Ray adds the driver's folder to the import path of workers on the same machine, so the
        # folder must be empty.
        folder = os.path.join(self._state, "ray-runner")
        os.makedirs(folder, exist_ok=True)
        environment = {
            **os.environ,
            "PYTHONUTF8": "1",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_COLOR_PREFIX": "0",
            "RAY_DEDUP_LOGS": "0",
            "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
        }
        token = self._config.secret(self._project)
        if token is not None:
            environment.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=token)
        said, refused = self._said, self._refused
        return Driver(python or sys.executable, environment, folder, self._heard, said, refused)

    def _heard(self, message: dict[str, Any]) -> None:
        event = message.pop("event", None)
        if event == "log":
            self._events.log(message["message"], message["level"], message.get("unique_id"))
        elif event == "ready":
            self._connected.set()
        elif event == "failed":
            self._fail(PluginError(message["code"], message["message"], message.get("help")))
        elif event == "ended":
            with self._lock:
                node = self._nodes.get(message["unique_id"])
            if node is not None:
                node.end(message)
        elif event == "gone":
            self._fail(PluginError("ray::driver", f"the driver of the Ray runner ended: {message['words']}"))

    def _said(self, line: str) -> None:
        self._events.log(f"ray: {line}", "debug")

    def _refused(self) -> None:
        if not self._connected.is_set():
            help = "Set `token_file` (or `token`, or RAY_AUTH_TOKEN) to the token that the cluster was started with"
            message = f"the Ray cluster at {self._config.address} refuses the token, or was given none"
            self._fail(PluginError("ray::token", message, help))

    def _fail(self, problem: PluginError) -> None:
        """Ends all awaited nodes with the first problem of the session."""
        with self._lock:
            if self._problem is None and not self._closed:
                self._problem = problem
            first = self._problem or problem
            waiting = list(self._nodes.values())
        self._connected.set()
        for node in waiting:
            if not node.ended.is_set():
                node.end({"problem": {"code": first.code, "message": first.message, "help": first.help}})

    def _check(self) -> None:
        if self._closed:
            raise PluginError("ray::closed", "the session of the Ray runner is closed")
        if self._problem is not None and not self._cancelled:
            raise self._problem

    def _tail(self) -> str:
        words = self._driver.last_words() if self._driver is not None else ""
        return f": {words}" if words else ""
