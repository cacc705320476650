"""The stage `execution-backend` as fal-host calls it: a runner, which has machines and no data."""

from __future__ import annotations

import os
from typing import Any

import fal_plugin
from fal_plugin import Events, ExecutionBackend, ExecutionSession, PluginError

from . import NAME, VERSION
from .config import SCHEMA, Config
from .session import Session


class RayRunner(ExecutionBackend):
    """Opened with its configuration; a session is a driver."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._settings = Config.read(config)

    def capabilities(self) -> dict[str, Any]:
        """Python models only, as many at once as the configuration says: Ray has a queue of its own."""
        return {"sql": False, "python": True, "concurrency": self._settings.concurrency}

    def open(self, request: dict[str, Any], events: Events) -> ExecutionSession:
        """Remembers what `begin` needs. The driver is started there: a session without nodes needs no cluster."""
        project = request.get("project_dir") or ""
        if not os.path.isdir(project):
            raise PluginError("ray::project", f"there is no project folder {project}")
        return Session(self._settings, request, events)


def serve() -> None:
    """Serves the plugin to the host that started it."""
    stages = {"execution-backend": RayRunner}
    about = "Runs Python models as tasks of a Ray cluster"
    fal_plugin.serve(NAME, VERSION, stages, description=about, config_schema=SCHEMA)
