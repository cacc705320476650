"""Starts a job in a fresh interpreter: where forking is not safe (macOS, libraries that started threads)."""

from __future__ import annotations

import os
import sys

JOB = "FAL_JOB"
SOCKET = "FAL_JOB_SOCKET"
START = "FAL_WORKER_START"


def is_wanted() -> bool:
    """Whether every job shall be spawned: asked for by `FAL_WORKER_START=spawn`, or the platform is not Linux."""
    start = os.environ.get(START)
    return start == "spawn" or (start != "fork" and not sys.platform.startswith("linux"))


def start(job: str, socket: str) -> int:
    """Starts `python -m fal_worker.job` and returns its process id."""
    environment = {**os.environ, JOB: job, SOCKET: socket, "PYTHONPATH": _python_path()}
    return os.posix_spawn(sys.executable, [sys.executable, "-m", "fal_worker.job"], environment)


def _python_path() -> str:
    """The folder of `fal_worker` first, then what was there: the zygote may have been told of it by other means."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    given = [
        part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part and part != root
    ]
    return os.pathsep.join([root, *given])
