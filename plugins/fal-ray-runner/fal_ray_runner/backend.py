"""The plugin's `execution-backend` stage: a runner, which has machines and no data."""

from __future__ import annotations

import os
from typing import Any

import fal_plugin
from fal_plugin import Events, ExecutionBackend, ExecutionSession, PluginError

from . import NAME, VERSION
from .config import SCHEMA, Config
from .session import Session


class RayRunner(ExecutionBackend):
    """The execution backend. Each session starts a driver."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._settings = Config.read(config)

    def capabilities(self) -> dict[str, Any]:
        """Offers Python models only, `concurrency` at a time. Ray queues them by itself."""
        return {"sql": False, "python": True, "concurrency": self._settings.concurrency}

    def open(self, request: dict[str, Any], events: Events) -> ExecutionSession:
        """Opens a session. `begin` starts the driver, so that a session without nodes needs no cluster."""
        project = request.get("project_dir") or ""
        if not os.path.isdir(project):
            raise PluginError("ray::project", f"there is no project folder {project}")
        return Session(self._settings, request, events)


def serve() -> None:
    """Serves the plugin to the host that started it."""
    stages = {"execution-backend": RayRunner}
    about = "Runs Python models as tasks of a Ray cluster"
    fal_plugin.serve(NAME, VERSION, stages, description=about, config_schema=SCHEMA)
