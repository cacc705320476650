"""`--defer` for what Python models read: relations of an earlier state in place of those that are missing here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.project.interface import is_ephemeral

from .dialects import dialect_of
from .nodes import Manifest

if TYPE_CHECKING:
    from .project import Project

_KINDS = ("model", "seed", "snapshot")
_TRUE = ("1", "true", "t", "yes", "y", "on")


class Deferred:
    """The relations of an earlier state."""

    def __init__(self, project: Project, state: Manifest, favors: bool) -> None:
        self._project, self._favors = project, favors
        self._relations = {
            unique_id: project.adapter.Relation.create_from(None, node)
            for unique_id, node in state.nodes.items()
            if node.resource_type in _KINDS and not is_ephemeral(project, node)
        }
        for unique_id, relation in self._relations.items():
            if (known := project.manifest.nodes.get(unique_id)) is not None:
                # So that leased jobs may read it.
                known["defer_relation"] = {"relation_name": str(relation)}

    @classmethod
    def of(cls, project: Project) -> Deferred | None:
        """`None` for a run without `--defer`. The last of several flags counts, as for dbt."""
        words = list(project.request.get("dbt_args") or [])
        folder = _value(words, "defer-state") or _value(words, "state")
        if not _flag(words, "defer"):
            return None
        if not folder:
            raise SessionError(
                "dbt::state",
                "--state or --defer-state are required for deferral",
                "Name the folder that has the manifest.json of an earlier run.",
            )
        path = Path(folder)
        path = path if path.name == "manifest.json" else path / "manifest.json"
        if not path.is_file():
            path = Path(project.settings.project_root) / path
        if not path.is_file():
            raise SessionError("dbt::state", f"--defer: there is no manifest.json in {folder}")
        return cls(project, Manifest.read(str(path)), _flag(words, "favor-state"))

    def relation(self, node: Any, here: Any) -> Any:
        """The relation to read instead of `here`, the node's own; that itself if it is there."""
        there = self._relations.get(node.unique_id)
        # What was selected ran before whatever reads it.
        if there is None or node.unique_id in self._project.selected:
            return here
        if self._favors:
            return there
        adapter = self._project.adapter
        with adapter.opened() as handle:
            kind = dialect_of(adapter.type()).kind(handle, here)
        return there if kind is None else here


def _flag(words: list[str], name: str) -> bool:
    given = [word for word in words if word in (f"--{name}", f"--no-{name}")]
    if given:
        return given[-1] == f"--{name}"
    return os.environ.get(_variable(name), "").lower() in _TRUE


def _value(words: list[str], name: str) -> str | None:
    found = os.environ.get(_variable(name)) or None
    for place, word in enumerate(words):
        if word == f"--{name}" and place + 1 < len(words):
            found = words[place + 1]
        elif word.startswith(f"--{name}="):
            found = word.partition("=")[2]
    return found


def _variable(name: str) -> str:
    return "DBT_" + name.upper().replace("-", "_")
