"""What dbt's JSON log says: results of nodes, and what the user should read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fal_worker.engine.events import is_wanted
from fal_worker.protocol import Outbox

from .batches import WELL

_LEVELS = {"debug": "debug", "test": "debug", "info": "info", "warn": "warn", "error": "error"}


class Ear:
    """Hears one call of dbt."""

    def __init__(
        self, outbox: Outbox, debug: bool, ended: Callable[[dict[str, Any]], object] | None = None
    ) -> None:
        """`ended` gets the results of nodes that went well, which is all that is known of them so far."""
        self._outbox, self._debug, self._ended = outbox, debug, ended
        self.adapter_version = ""
        self.threads: int | None = None

    def event(self, event: dict[str, Any]) -> None:
        info, data = event["info"], event.get("data") or {}
        name, level = str(info.get("name") or ""), str(info.get("level") or "info").lower()
        if name == "AdapterRegistered":
            self.adapter_version = str(data.get("adapter_version") or "").lstrip("=")
        if (
            self._ended is not None
            and (result := _result(data, str(info.get("thread") or ""))) is not None
        ):
            self._ended(result)
        text = str(info.get("msg") or "").strip()
        # That the user cancelled is known.
        if text and name != "QueryCancelled" and is_wanted(level, name, self._debug):
            node = (data.get("node_info") or {}).get("unique_id")
            self._outbox.log(_LEVELS.get(level, "info"), text, name or None, node or None)

    def line(self, text: str) -> None:
        """What is no event: a print of a macro, or of something that dbt called."""
        self._outbox.log("info" if self._ended is not None else "debug", text, "Print")


def _result(data: dict[str, Any], thread: str) -> dict[str, Any] | None:
    """The result of a node that went well. What failed has its message in run_results.json only."""
    node = data.get("node_info")
    if not isinstance(node, dict) or not node.get("unique_id") or "execution_time" not in data:
        return None
    said = str(data.get("status") or "")
    # A unit test has no status of its own.
    status = next(
        (s for s in (str(node.get("node_status") or "").lower(), said.lower()) if s in WELL), None
    )
    if status is None or said.lower() in ("error", "fail", "skipped"):
        return None
    tests = status in ("pass", "warn")
    response = data.get("result_message") or (None if tests else said)
    return {
        "unique_id": node["unique_id"],
        "status": status,
        "message": response or None,
        "execution_time": data.get("execution_time") or 0.0,
        "rows_affected": _rows(response),
        "failures": data.get("num_failures") if tests else None,
        "timing": [],
        "thread_id": thread,
        "adapter_response": {"_message": response} if response else {},
        "relation_name": (node.get("node_relation") or {}).get("relation_name") or None,
    }


def _rows(message: str | None) -> int | None:
    last = (message or "").rsplit(" ", 1)[-1]
    return int(last) if last.isdigit() else None
