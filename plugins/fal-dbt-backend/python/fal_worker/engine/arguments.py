"""The command line of dbt for an `OpenRequest`."""

from __future__ import annotations

import json
import os

from fal_worker.protocol import OpenRequest

# dbt's command to the class that it instantiates, which the session replaces.
TASKS = {
    "run": ("dbt.task.run", "RunTask"),
    "build": ("dbt.task.build", "BuildTask"),
    "test": ("dbt.task.test", "TestTask"),
    "seed": ("dbt.task.seed", "SeedTask"),
    "snapshot": ("dbt.task.snapshot", "SnapshotTask"),
}


# fal-host's own command for the last run's scripts. To dbt it is a run without nodes.
OF_LAST_RUN = "hooks"


def command_of(request: OpenRequest) -> str:
    """Returns dbt's command, which macros and artifacts see. Commands that only read the graph use
    `build`.
    """
    if request["command"] == OF_LAST_RUN:
        return "run"
    return request["command"] if request["command"] in TASKS else "build"


def words(request: OpenRequest, known: set[str]) -> list[str]:
    """Returns the arguments of `dbt`. `known` are the parameters that the installed dbt's command
    accepts.
    """
    out = [
        command_of(request),
        "--no-use-colors",
        "--no-send-anonymous-usage-stats",
    ]
    valued = {
        "project_dir": request["project_dir"],
        "profiles_dir": request.get("profiles_dir"),
        "profile": request.get("profile"),
        "target": request.get("target"),
        "target_path": request.get("target_path"),
        "threads": 1 if _single_threaded() else request.get("threads"),
        "vars": json.dumps(request["vars"]) if request.get("vars") else None,
    }
    for name, value in valued.items():
        if value is not None:
            out += ["--" + name.replace("_", "-"), str(value)]
    if request.get("full_refresh") and "full_refresh" in known:
        out.append("--full-refresh")
    if "single_threaded" in known:
        # On dbt's main thread alone, nodes would run where dbt waits for the host. One worker
        # thread runs one node at a time as well.
        out.append("--no-single-threaded")
    # The host itself starts no more nodes after a failure.
    given = (word for word in request.get("dbt_args") or [] if word != "--fail-fast")
    return out + [str(word) for word in given]


def _single_threaded() -> bool:
    """Whether the environment asks dbt for a single thread, by the variable's new or old name."""
    said = (
        os.environ.get("DBT_ENGINE_SINGLE_THREADED") or os.environ.get("DBT_SINGLE_THREADED") or ""
    )
    return said.lower() in ("1", "true", "t", "yes", "y", "on")
