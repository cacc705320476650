"""One session process with the project loaded, and the jobs through which it is read and written."""

from __future__ import annotations

import contextlib
import difflib
import itertools
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

from fal_worker.job.client import GatewayClient
from fal_worker.job.error import FalError
from fal_worker.job.objects import Context
from fal_worker.job.request import Request
from fal_worker.job.scope import Scope

from .child import Child
from .request import Settings

# How often an interrupted read is cancelled, and the seconds between.
_CANCELS = 100
_BETWEEN = 0.05
# Seconds between two looks for signals while a read is awaited.
_LOOK = 0.25


class Client:
    """A session process and the scopes opened in it.

    To the session a notebook is a script that belongs to a model, or to none.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._scopes: dict[str | None, Scope] = {}
        self._numbers = itertools.count(1)
        self._begun = self._over = False
        self._child = Child(settings.request, settings.python, settings.keep_open)
        try:
            models = list(settings.python_models())
            graph = self._child.ask(
                "load", python_models=models, gateway={"socket_dir": str(self._child.socket_dir)}
            )
        except BaseException:
            self._child.end()
            raise
        self.info: dict[str, Any] = graph["info"]
        self._location = graph["gateway"]["location"]
        self._models = [node for node in graph["nodes"] if node["resource_type"] == "model"]

    @property
    def is_over(self) -> bool:
        """Whether the client can no longer be used."""
        return self._over or self._child.has_ended

    def scope(self, model: str | None) -> Scope:
        """Returns the functions that a script of this model has in scope.

        `model` is a unique id, or `None` for a global script.
        """
        with self._lock:
            if model not in self._scopes:
                self._scopes[model] = self._open_job(model)
            return self._scopes[model]

    def _open_job(self, model: str | None) -> Scope:
        self._begin()
        job, token = f"n{next(self._numbers)}", secrets.token_hex(16)
        script = _script(model)
        self._child.ask("job_open", job=job, token=token, **script)
        fields = {
            "name": "notebook",
            "path": "notebook",
            "code": "",
            "project_dir": self._settings.project_dir,
        }
        request = {
            **fields,
            **script,
            "job": job,
            "kind": "attached",
            "location": self._location,
            "token": token,
        }
        gateway = GatewayClient(self._location, token)
        scope = Scope(Request.from_message(request), gateway, _NoReporter())
        # Reads and writes as a script, and has arguments as a hook: a notebook may be either.
        hook = Request.from_message(
            {**request, "role": "post_hook", "arguments": self._settings.arguments}
        )
        scope.context = Context(hook, lambda: scope.gateway.ask("context"))
        return scope

    def _begin(self) -> None:
        if self._begun:
            return
        try:
            self._child.ask(
                "begin", selected=[], scripts=[_script(None)["unique_id"]], environments=[]
            )
        except FalError:
            self._over = True  # dbt's run has ended: the next use starts another
            raise
        self._begun = True

    def interruptible(self, function: Callable[[], Any]) -> Any:
        """Returns what the function returns.

        While a query runs, no signal reaches Python, so it runs in another thread, and Ctrl-C (or
        Jupyter's stop button) cancels it in the warehouse.
        """
        if threading.current_thread() is not threading.main_thread():
            return function()
        future: Future[Any] = Future()
        try:
            threading.Thread(
                target=_settle, args=(future, function), name="fal-read", daemon=True
            ).start()
            while not wait([future], _LOOK).done:
                pass  # a signal that comes just before the wait is seen after it only
            return future.result()
        except KeyboardInterrupt:
            self._cancel(future)
            raise

    def _cancel(self, future: Future[Any]) -> None:
        """Cancels until the read has ended: a cancellation between two queries has no effect."""
        for _ in range(_CANCELS):
            with contextlib.suppress(FalError):
                self._child.ask("cancel")
            if wait([future], _BETWEEN).done:
                return

    def model_id(self, name: str, package: str | None = None) -> str:
        """The unique id of a model, by its name or by the unique id itself."""
        found = [node for node in self._models if name in (node["name"], node["unique_id"])]
        found = [node for node in found if package in (None, node["package_name"])]
        own = [node for node in found if node["package_name"] == self.info["project_name"]] or found
        latest = [node for node in own if node.get("version") == node.get("latest_version")] or own
        if latest:
            return str(latest[0]["unique_id"])
        near = difflib.get_close_matches(name, sorted({node["name"] for node in self._models}), n=1)
        full_name = f"{package}.{name}" if package else name
        raise FalError(f"fal: there is no model {full_name}", "fal::no_model", _hint(near))

    def close(self) -> None:
        """Ends the process."""
        self._over = True
        self._child.end()


def _settle(future: Future[Any], function: Callable[[], Any]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
        future.set_exception(error)


class _NoReporter:
    """Replaces a run's reporter, which names the line of a call: a notebook shows the line itself."""

    def place(self) -> None:
        """Returns no line."""


def _hint(near: list[str]) -> str:
    return (
        f"Did you mean `{near[0]}`?"
        if near
        else "A Python model is known by its stub, which `fal-host generate` writes."
    )


def _script(model: str | None) -> dict[str, Any]:
    """The script that the session takes the notebook for: the model's after-script, or a global
    script.
    """
    if model is None:
        return {"unique_id": "script.GLOBAL.AFTER.notebook", "role": "global"}
    return {"unique_id": f"script.{model}.AFTER.notebook", "role": "after", "model": model}
