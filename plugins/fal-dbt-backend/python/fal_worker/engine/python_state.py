"""Python models among the answers to `state:`. dbt compares stubs, and a stub stays the same when
only the code changes.

So manifest.json tells of the code: the checksum of a stub's node is that of its Python file. dbt
itself compares the checksums of seeds only. A manifest.json that dbt wrote without us has none of
these, which is said.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from typing import Any

from fal_worker.project.graph import Files
from fal_worker.protocol import PythonModel

# Name of the checksum, where dbt's own say `sha256`.
_KIND = "fal-sha256"
# What dbt answers by comparing what nodes say.
_BODY = {"modified", "modified.body"}


class PythonState:
    """Records the code of Python models in the manifest, and compares it with an earlier manifest."""

    def __init__(
        self,
        manifest: Any,
        places: Files,
        project_dir: str,
        models: list[PythonModel],
        warn: Callable[[str], None],
    ) -> None:
        """`models` are the host's descriptions of the Python models."""
        self._manifest, self._warn, self._warned = manifest, warn, False
        files = {
            model["stub_path"]: os.path.join(project_dir, model["path"])
            for model in models
            if model.get("stub_path")
        }
        self._ids: set[str] = set()
        for node in manifest.nodes.values():
            file = files.get(places.path(node))
            if file is not None and (checksum := _checksum(file)) is not None:
                node.checksum = type(node.checksum)(name=_KIND, checksum=checksum)
                self._ids.add(node.unique_id)

    def answer(self, value: str, found: set[str], previous: Any) -> set[str]:
        """Returns the nodes that `state:value` selects, given dbt's answer and the manifest of the
        earlier state.
        """
        if value in _BODY:
            return found | self._changed(previous)
        if value == "unmodified":
            return found - self._changed(previous)
        return found

    def _changed(self, previous: Any) -> set[str]:
        pairs = [
            (previous.nodes[uid], self._manifest.nodes[uid])
            for uid in sorted(self._ids)
            if uid in previous.nodes
        ]
        untold = [new.name for old, new in pairs if old.checksum.name != _KIND]
        if untold and not self._warned:
            self._warned = True
            self._warn(
                "the manifest.json of --state was written by dbt alone and does not tell what the code of "
                f"{_listed(untold)} was: `state:` sees changes of what Python models read, not of their code"
            )
        return {
            new.unique_id
            for old, new in pairs
            if old.checksum.name == _KIND and old.checksum != new.checksum
        }


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _checksum(file: str) -> str | None:
    try:
        with open(file, encoding="utf-8") as opened:  # line ends are read as one kind
            text = opened.read()
    except (OSError, UnicodeDecodeError):
        return None  # reported when the model runs
    return hashlib.sha256(_code(file, text).encode()).hexdigest()


def _code(file: str, text: str) -> str:
    """Extracts the code of a notebook: outputs and text cells are no change of the model."""
    if not file.endswith(".ipynb"):
        return text
    try:
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        return json.dumps(["".join(cell["source"]) for cell in cells])
    except (ValueError, KeyError, TypeError):
        return text
