"""How nodes ended, as scripts and the lists of the gateway tell it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fal_worker.engine.invocation import Invocation


class Outcomes:
    """Of this run; for the scripts of the last run (`hooks`), those of its run_results.json."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._earlier: dict[str, dict[str, Any]] | None = None

    def all(self) -> dict[str, dict[str, Any]]:
        """`status` and `adapter_response` by unique id."""
        return {**self._of_last_run(), **self._of_this_run()}

    def of(self, unique_id: str) -> dict[str, Any] | None:
        return self.all().get(unique_id)

    def _of_this_run(self) -> dict[str, dict[str, Any]]:
        results = [
            result
            for result in list(self._invocation.task.node_results)
            if getattr(result, "node", None) is not None
        ]
        return {
            result.node.unique_id: {
                "status": str(getattr(result.status, "value", result.status)),
                "adapter_response": dict(result.adapter_response or {}),
            }
            for result in results
        }

    def _of_last_run(self) -> dict[str, dict[str, Any]]:
        if not self._invocation.of_last_run:
            return {}
        if self._earlier is None:
            self._earlier = read_results(self._invocation.task.result_path())
        return self._earlier


def read_results(path: str) -> dict[str, dict[str, Any]]:
    """The outcomes in a run_results.json."""
    try:
        with open(path, encoding="utf-8") as file:
            results = json.load(file)["results"]
        return {result["unique_id"]: _outcome(result) for result in results}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # whether there must be one is the host's to say


def _outcome(result: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": str(result["status"]),
        "adapter_response": dict(result.get("adapter_response") or {}),
    }
