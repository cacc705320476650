"""The user's arguments in the form that the session process reads (`OpenRequest`)."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fal_worker.job.error import FalError

_PROJECT = "dbt_project.yml"
_MARK = b"FAL_GENERATED"
_NO_MODELS = frozenset(
    {"target", "dbt_packages", "dbt_modules", "logs", "node_modules", "__pycache__"}
)


@dataclass(frozen=True)
class Settings:
    """The arguments of `FalDbt`, checked."""

    project_dir: str
    python: str
    keep_open: bool = False
    request: dict[str, Any] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, profiles_dir: Any, project_dir: Any, target: str | None, threads: int | None, vars: Any, *,
        profile: str | None, state: Any, defer: bool, keyword: str, python: Any, keep_open: bool, arguments: Any,
    ) -> Settings:  # fmt: skip
        """Reads the arguments. The two folders may come in either order, as versions of fal
        differed.
        """
        project, profiles = _path(project_dir), _path(profiles_dir)
        if profiles and _is_project(profiles) and not (project and _is_project(project)):
            project, profiles = profiles, project
        root = project or os.environ.get("DBT_PROJECT_DIR") or os.getcwd()
        root = os.path.abspath(root)
        if not _is_project(root):
            raise FalError(
                f"fal: {root} has no {_PROJECT}",
                "fal::no_project",
                "Give the project's folder as project_dir=...",
            )
        if profiles is not None and not os.path.isfile(os.path.join(profiles, "profiles.yml")):
            raise FalError(
                f"fal: {profiles} has no profiles.yml",
                "fal::no_profiles",
                "Give its folder as profiles_dir=...",
            )
        words = ["--defer"] * bool(defer) + (["--state", str(_path(state))] if state else [])
        request = {
            "project_dir": root, "profiles_dir": profiles, "profile": profile, "target": target, "threads": threads,
            "vars": _mapping("vars", vars), "keyword": keyword, "dbt_args": words, "command": "hooks", "execute": True,
        }  # fmt: skip
        return cls(root, _python(python), keep_open, request, _mapping("arguments", arguments))

    def python_models(self) -> Iterator[dict[str, Any]]:
        """The Python models, found by their stubs.

        The session reads such a model's table and never the stub's query.
        """
        for folder, names, files in os.walk(self.project_dir):
            names[:] = [
                n
                for n in names
                if n not in _NO_MODELS and not n.startswith(".") and not _is_venv(folder, n)
            ]
            if "fal" not in Path(folder).relative_to(self.project_dir).parts:
                continue
            for name in files:
                path = Path(folder, name)
                if name.endswith(".sql") and _MARK in path.read_bytes():
                    stub = path.relative_to(self.project_dir).as_posix()
                    yield {"name": path.stem, "path": stub, "stub_path": stub, "imports": []}


def _is_project(folder: str) -> bool:
    return os.path.isfile(os.path.join(folder, _PROJECT))


def _is_venv(folder: str, name: str) -> bool:
    return os.path.isfile(os.path.join(folder, name, "pyvenv.cfg"))


def _path(given: Any) -> str | None:
    return (
        None
        if given is None or given == ""
        else os.path.abspath(os.path.expanduser(os.fspath(given)))
    )


def _python(given: Any) -> str:
    """Returns the named interpreter, or this one.

    Links are not resolved, since they are what makes a virtual environment.
    """
    named = given or os.environ.get("FAL_HOST_PYTHON")
    return (
        str(_path(named)) if named and os.sep in os.fspath(named) else str(named or sys.executable)
    )


def _mapping(name: str, given: Any) -> dict[str, Any]:
    if given is None or given == "":
        return {}
    value = _parsed(name, given) if isinstance(given, str) else given
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise FalError(f"fal: {name} is a mapping of names to values, not {given!r}")
    return value


def _parsed(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        import yaml
    except ModuleNotFoundError:
        raise FalError(
            f"fal: {name} is no JSON, and there is no PyYAML to read it as YAML",
            help="Give a dict.",
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise FalError(f"fal: {name} is neither JSON nor YAML: {error}") from None
