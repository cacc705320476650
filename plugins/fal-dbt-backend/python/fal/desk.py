"""One session process with the project loaded, and the jobs through which it is read and written."""

from __future__ import annotations

import difflib
import itertools
import secrets
import threading
from typing import Any

from fal_worker.job.client import Gateway
from fal_worker.job.error import FalError

from .child import Child
from .request import Settings


class Desk:
    """Opens a job for each model that is written, and one for what concerns none."""

    def __init__(self, settings: Settings) -> None:
        self._lock = threading.Lock()
        self._gateways: dict[str | None, Gateway] = {}
        self._numbers = itertools.count(1)
        self._begun = False
        self.is_over = False
        self._child = Child(settings.request, settings.python, settings.keep_open)
        try:
            models = list(settings.python_models())
            graph = self._child.ask("load", python_models=models, gateway={"socket_dir": str(self._child.socket_dir)})
        except BaseException:
            self._child.end()
            raise
        self.info: dict[str, Any] = graph["info"]
        self._location = graph["gateway"]["location"]
        self._models = [node for node in graph["nodes"] if node["resource_type"] == "model"]

    def gateway(self, model: str | None) -> Gateway:
        """A client that reads, and writes as a script of this model may."""
        with self._lock:
            if model not in self._gateways:
                self._gateways[model] = self._open_job(model)
            return self._gateways[model]

    def _open_job(self, model: str | None) -> Gateway:
        self._begin()
        token = secrets.token_hex(16)
        self._child.ask("job_open", job=f"n{next(self._numbers)}", token=token, **_script(model))
        return Gateway(self._location, token)

    def _begin(self) -> None:
        if self._begun:
            return
        try:
            self._child.ask("begin", selected=[], scripts=[_script(None)["unique_id"]], environments=[])
        except FalError:
            self.is_over = True  # dbt's run has ended: the next use starts another
            raise
        self._begun = True

    def write(self, model: str | None, batches: Any, **command: Any) -> None:
        """Sends rows; they are committed when this returns."""
        self.gateway(model).write(batches, **{name: value for name, value in command.items() if value is not None})

    def model_id(self, name: str, package: str | None = None) -> str:
        """The unique id of a model, which may be named so too."""
        found = [node for node in self._models if name in (node["name"], node["unique_id"])]
        found = [node for node in found if package in (None, node["package_name"])]
        own = [node for node in found if node["package_name"] == self.info["project_name"]] or found
        latest = [node for node in own if node.get("version") == node.get("latest_version")] or own
        if latest:
            return str(latest[0]["unique_id"])
        near = difflib.get_close_matches(name, sorted({node["name"] for node in self._models}), n=1)
        told = f"{package}.{name}" if package else name
        raise FalError(f"fal: there is no model {told}", "fal::no_model", f"Did you mean `{near[0]}`?" if near else None)

    def close(self) -> None:
        """Ends the process."""
        self.is_over = True
        self._child.end()


def _script(model: str | None) -> dict[str, Any]:
    """What the session takes the notebook for: an after-script of the model, or a global script."""
    if model is None:
        return {"unique_id": "script.GLOBAL.AFTER.notebook", "role": "global"}
    return {"unique_id": f"script.{model}.AFTER.notebook", "role": "after", "model": model}
