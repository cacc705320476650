"""The command lines of dbt that a session calls."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fal_worker.engine import arguments

# Commands that would add tests to what is selected.
_WITH_TESTS = ("build", "test")
_WITH_FULL_REFRESH = ("run", "build", "seed", "snapshot")


def parse(request: dict[str, Any]) -> list[str]:
    """Reads the project and writes manifest.json."""
    return ["parse", *_common(request), *_project(request)]


def batch(
    request: dict[str, Any], selectors: Iterable[str], command: str | None = None
) -> list[str]:
    """Runs just these nodes, with another command than the run's if one is named."""
    command = command or arguments.command_of(request)
    words = [command, *_common(request), *_project(request)]
    if request.get("threads"):
        words += ["--threads", str(request["threads"])]
    if request.get("full_refresh") and command in _WITH_FULL_REFRESH:
        words.append("--full-refresh")
    words += [str(word) for word in request.get("dbt_args") or []]
    if command in _WITH_TESTS:
        words += ["--indirect-selection", "empty"]
    return [*words, "--select", *selectors]


def select(request: dict[str, Any], method: str, value: str) -> list[str]:
    """Asks dbt what a selection method finds."""
    state = [str(word) for word in request.get("dbt_args") or []]
    words = ["ls", *_common(request), *_project(request), *_state(state)]
    return [
        *words,
        "--output",
        "json",
        "--output-keys",
        "unique_id",
        "--select",
        f"{method}:{value}",
    ]


def _common(request: dict[str, Any]) -> list[str]:
    level = "debug" if request.get("debug") else "info"
    return [
        "--log-format",
        "json",
        "--log-level",
        level,
        "--no-use-colors",
        "--no-send-anonymous-usage-stats",
    ]


def _project(request: dict[str, Any]) -> list[str]:
    valued = {
        "--project-dir": request["project_dir"],
        "--profiles-dir": request.get("profiles_dir"),
        "--profile": request.get("profile"),
        "--target": request.get("target"),
        "--target-path": request.get("target_path"),
        "--vars": json.dumps(request["vars"]) if request.get("vars") else None,
    }
    return [
        word for name, value in valued.items() if value is not None for word in (name, str(value))
    ]


def _state(words: list[str]) -> list[str]:
    """The folders of earlier states, of all the flags of a run."""
    kept = []
    for place, word in enumerate(words):
        name, _, value = word.partition("=")
        if name in ("--state", "--defer-state"):
            kept += [name, value or (words[place + 1] if place + 1 < len(words) else "")]
    return kept
