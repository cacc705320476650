"""Calls the program."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .program import find
from .results import Results, read

_FILE = "run_results.json"
# Exit codes: all well, and a node failed. All others mean that the command itself did not work.
_WELL, _NODE_FAILED = 0, 1


class Ended(Exception):
    """fal-host ended without doing its work: its output says why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"fal-host ended with code {code}")
        self.code = code


@dataclass(frozen=True)
class RunnerResult:
    """How a command ended, in the shape of dbt's `dbtRunnerResult`."""

    success: bool
    exception: BaseException | None = None
    result: Results | None = None


def run(
    args: Sequence[str],
    *,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
) -> RunnerResult:
    """Runs a command of fal-host to its end; its output goes where this process's goes.

    `env` are variables beside those of this process. The result has the nodes of commands that
    write run_results.json.
    """
    folder = Path(cwd) if cwd is not None else Path.cwd()
    variables = {**os.environ, **(env or {})}
    words = [str(word) for word in args]
    before = _states(folder, words, variables)
    code = subprocess.run([find(), *words], cwd=folder, env=variables, check=False).returncode
    exception = None if code in (_WELL, _NODE_FAILED) else Ended(code)
    written = [
        path
        for path, state in _states(folder, words, variables).items()
        if before.get(path) != state
    ]
    return RunnerResult(code == _WELL, exception, read(written[0]) if written else None)


def _states(folder: Path, words: list[str], env: Mapping[str, str]) -> dict[Path, tuple[int, int]]:
    """The run_results.json that a command may write, as they are now."""
    found = {}
    for path in _targets(folder, words, env):
        try:
            state = (path / _FILE).stat()
        except OSError:
            continue
        found[path / _FILE] = (state.st_mtime_ns, state.st_ino)
    return found


def _targets(folder: Path, words: list[str], env: Mapping[str, str]) -> list[Path]:
    """The target folder: of the command line, of the environment, else of the project."""
    named = _flag(words, "--project-dir") or env.get("DBT_PROJECT_DIR")
    project = folder / named if named else _project_above(folder)
    target = _flag(words, "--target-path") or env.get("DBT_TARGET_PATH")
    if target is None:
        target = _of_project(project) or "target"
    return [project / target]


def _flag(words: list[str], name: str) -> str | None:
    value = None
    for at, word in enumerate(words):
        if word == name and at + 1 < len(words):
            value = words[at + 1]
        elif word.startswith(f"{name}="):
            value = word.partition("=")[2]
    return value


def _project_above(folder: Path) -> Path:
    folder = folder.absolute()
    above = (path for path in (folder, *folder.parents) if (path / "dbt_project.yml").is_file())
    return next(above, folder)


def _of_project(project: Path) -> str | None:
    """`target-path` of dbt_project.yml, where it is written on one line."""
    try:
        lines = (project / "dbt_project.yml").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip("\"'") == "target-path" and (text := value.split("#")[0].strip().strip("\"'")):
            return text
    return None
