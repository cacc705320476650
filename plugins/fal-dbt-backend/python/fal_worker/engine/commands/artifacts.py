"""run_results.json: read after each call of dbt, and written once for all of them."""

from __future__ import annotations

import contextlib
import json
import os
from datetime import datetime, timezone
from typing import Any

# What a result consists of in dbt's schema, where no call of dbt wrote one to go by.
_KEYS = (
    "status", "timing", "thread_id", "execution_time", "adapter_response", "message", "failures", "unique_id", "compiled",
    "compiled_code", "relation_name",
)  # fmt: skip
_SCHEMA = "https://schemas.getdbt.com/dbt/run-results/v6.json"


class Artifact:
    """The run's run_results.json."""

    def __init__(self, target_path: str, metadata: dict[str, Any], args: dict[str, Any]) -> None:
        self.path = os.path.join(target_path, "run_results.json")
        self._metadata, self._args = metadata, args
        self._keys: tuple[str, ...] = _KEYS
        self._hooks: dict[str, dict[str, Any]] = {}
        self._began = datetime.now(timezone.utc)

    def forget(self) -> None:
        """Removes the file: the next call of dbt may end without one."""
        with contextlib.suppress(OSError):
            os.remove(self.path)

    def take(self) -> list[dict[str, Any]]:
        """The results of the call of dbt that has ended. Those of hooks are kept for the end, the last of each."""
        try:
            with open(self.path, encoding="utf-8") as file:
                content = json.load(file)
        except (OSError, ValueError):
            return []
        results: list[dict[str, Any]] = content.get("results") or []
        if results:
            self._keys = tuple(results[0])
        self._args = content.get("args") or self._args
        self._metadata = content.get("metadata") or self._metadata
        hooks = [result for result in results if result["unique_id"].startswith("operation.")]
        for hook in hooks:
            known = self._hooks.get(hook["unique_id"])
            if known is None or known["status"] == "success":
                self._hooks[hook["unique_id"]] = hook
        return [result for result in results if not result["unique_id"].startswith("operation.")]

    def failed_hooks(self) -> list[dict[str, Any]]:
        return [hook for hook in self._hooks.values() if hook["status"] == "error"]

    def write(self, results: list[dict[str, Any]], invocation_id: str) -> None:
        now = datetime.now(timezone.utc)
        metadata = {**self._metadata, "generated_at": _stamp(now), "invocation_id": invocation_id}
        metadata.setdefault("dbt_schema_version", _SCHEMA)
        if "invocation_started_at" in metadata:
            metadata["invocation_started_at"] = _stamp(self._began)
        rows = [self._row(result) for result in [*self._hooks.values(), *results]]
        elapsed = (now - self._began).total_seconds()
        write_whole(
            self.path,
            {"metadata": metadata, "results": rows, "elapsed_time": elapsed, "args": self._args},
        )

    def _row(self, result: dict[str, Any]) -> dict[str, Any]:
        defaults = {"timing": [], "thread_id": "fal", "execution_time": 0.0, "adapter_response": {}}
        return {
            key: result.get(key) if result.get(key) is not None else defaults.get(key)
            for key in self._keys
        }


def write_whole(path: str, content: dict[str, Any]) -> None:
    """The old file or the new one, never half of it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    beside = f"{path}.fal-{os.getpid()}"
    # Always a new file: what has its name may be a link that leads anywhere.
    with contextlib.suppress(FileNotFoundError):
        os.remove(beside)
    with open(beside, "x", encoding="utf-8") as file:
        json.dump(content, file, default=str)
    os.replace(beside, path)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
