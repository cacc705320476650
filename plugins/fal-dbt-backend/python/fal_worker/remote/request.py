"""The job's request as this machine needs it."""

from __future__ import annotations

import os
from typing import Any


def request_of(lease: dict[str, Any], folder: str, token: str) -> dict[str, Any]:
    """`folder` holds the unpacked project."""
    project = os.path.join(folder, "project")
    job = dict(lease["job"])
    if job.get("scripts_dir"):
        job["scripts_dir"] = os.path.normpath(os.path.join(project, job["scripts_dir"]))
    access = {name: lease.get(name) for name in ("location", "certificate", "server_name")}
    return {**job, **access, "job": "lease", "project_dir": project, "cwd": project, "token": token}
