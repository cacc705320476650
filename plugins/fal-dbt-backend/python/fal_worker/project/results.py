"""How nodes ended: dbt's `RunResult` as the protocol's `NodeResult` and back, and the outcomes that
scripts ask for.
"""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Callable
from typing import Any

from fal_worker.protocol import NodeResult
from fal_worker.texts import shortened


def _text(value: Any) -> str:
    return str(getattr(value, "value", value))


def _timing(step: Any) -> dict[str, Any]:
    def text(moment: Any) -> str | None:
        if moment is None:
            return None
        return str(moment.isoformat()) + ("" if moment.tzinfo else "Z")

    return {
        "name": step.name,
        "started_at": text(step.started_at),
        "completed_at": text(step.completed_at),
    }


def rows_of(response: dict[str, Any]) -> int | None:
    """The number of rows in an adapter's response."""
    rows = response.get("rows_affected")
    # Drivers say -1 for "unknown".
    return int(rows) if isinstance(rows, (int, float)) and rows >= 0 else None


def to_node_result(result: Any) -> NodeResult:
    """Converts dbt's result of a node to the protocol's form."""
    # dbt 1.8 has no node for a hook that failed.
    node = getattr(result, "node", None)
    response = dict(result.adapter_response or {})
    compiled = getattr(node, "compiled", None)
    return {
        "unique_id": getattr(node, "unique_id", "operation"),
        "status": _text(result.status),
        "message": None if result.message is None else shortened(str(result.message)),
        "execution_time": result.execution_time,
        "rows_affected": rows_of(response),
        "failures": result.failures,
        "timing": [_timing(step) for step in result.timing],
        "thread_id": result.thread_id,
        "adapter_response": response,
        "compiled": compiled,
        "compiled_code": getattr(node, "compiled_code", None),
        "relation_name": getattr(node, "relation_name", None),
    }


def longer(result: NodeResult, more: NodeResult) -> NodeResult:
    """The result of a job with later additions to its message and its time."""
    from datetime import datetime, timezone

    steps = [dict(step) for step in result.get("timing") or []]
    if not steps or not (ended := _parse_timing(steps)[-1].completed_at):
        return {**result, **more}
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    steps[-1]["completed_at"] = now.isoformat() + "Z"
    seconds = (result.get("execution_time") or 0.0) + max(0.0, (now - ended).total_seconds())
    return {**result, **more, "timing": steps, "execution_time": seconds}


def _parse_timing(steps: list[dict[str, Any]]) -> list[Any]:
    from datetime import datetime, timezone

    from dbt.artifacts.schemas.results import TimingInfo

    def moment(text: str | None) -> datetime | None:
        if not text:
            return None
        # dbt's own times are UTC without a zone. Before 3.11 Python reads no final Z, and six
        # digits of a second only.
        text = re.sub(
            r"\.(\d+)", lambda found: "." + found[1][:6].ljust(6, "0"), text.replace("Z", "+00:00")
        )
        value = datetime.fromisoformat(text)
        return value.astimezone(timezone.utc).replace(tzinfo=None) if value.tzinfo else value

    return [
        TimingInfo(s["name"], moment(s.get("started_at")), moment(s.get("completed_at")))
        for s in steps
    ]


def _status(word: str) -> Any:
    """A model's status, or a test's for the words that only tests have."""
    from dbt.artifacts.schemas.results import RunStatus, TestStatus

    return TestStatus(word) if word in ("pass", "fail", "warn") else RunStatus(word)


def to_run_result(node: Any, result: NodeResult, relation_name: str | None = None) -> Any:
    """A `RunResult` for a node that dbt did not run itself."""
    from dbt.artifacts.schemas.run import RunResult

    if relation_name is not None:
        # dbt knows the stub as ephemeral, so without a relation; the artifact should name the real
        # one.
        node = copy.copy(node)
        node.relation_name = relation_name
    thread = result.get("thread_id") or "fal"
    fields: dict[str, Any] = {
        "status": _status(result["status"]),
        "timing": _parse_timing(result.get("timing") or []),
        # dbt hides what ran on "main" from on-run-end hooks.
        "thread_id": thread if thread != "main" else "fal",
        "execution_time": result.get("execution_time") or 0.0,
        "adapter_response": result.get("adapter_response") or {},
        "message": result.get("message"),
        "failures": result.get("failures"),
        "node": node,
    }
    if "batch_results" in RunResult.__dataclass_fields__:
        fields["batch_results"] = None
    return RunResult(**fields)


def put_result(
    results: list[Any], node: Any, result: NodeResult, relation_name: str | None = None
) -> None:
    """Puts a result among those of dbt's task.

    An earlier one of the same node makes room, and its relation stays: the host changes its mind
    when a hook fails behind its model.
    """
    for place, earlier in enumerate(list(results)):
        if getattr(getattr(earlier, "node", None), "unique_id", None) == node.unique_id:
            results[place] = to_run_result(earlier.node, result, relation_name)
            return
    results.append(to_run_result(node, result, relation_name))


def artifacts_written(task: Any, since_ns: int) -> bool:
    """Whether dbt's task wrote run_results.json since then, or need not write it."""
    if not getattr(task.args, "write_json", True):
        return True
    try:
        return os.stat(task.result_path()).st_mtime_ns >= since_ns
    except OSError:
        return False


def failed_hooks(task: Any) -> list[NodeResult]:
    """Results of on-run-start and -end that failed."""
    results = [to_node_result(result) for result in task.node_results]
    return [
        result
        for result in results
        if result["unique_id"].startswith("operation") and result["status"] == "error"
    ]


class Outcomes:
    """How nodes ended in this run; for the scripts of the last run (`hooks`) also in that, by its
    run_results.json.
    """

    def __init__(
        self, now: Callable[[], dict[str, dict[str, Any]]], path: Callable[[], str] | None
    ) -> None:
        """`now` gives the outcomes of this run, `path` the file of the last one if that counts."""
        self._now, self._path = now, path
        self._earlier: dict[str, dict[str, Any]] | None = None

    def all(self) -> dict[str, dict[str, Any]]:
        """`status` and `adapter_response` by unique id."""
        if self._earlier is None:
            self._earlier = {} if self._path is None else _read_outcomes(self._path())
        return {**self._earlier, **self._now()}

    def of(self, unique_id: str) -> dict[str, Any] | None:
        return self.all().get(unique_id)


def outcome(status: Any, adapter_response: Any) -> dict[str, Any]:
    return {"status": _text(status), "adapter_response": dict(adapter_response or {})}


def outcomes_of_task(task: Any) -> dict[str, dict[str, Any]]:
    """The outcomes among the results of dbt's task, which other threads add to."""
    return {
        result.node.unique_id: outcome(result.status, result.adapter_response)
        for result in list(task.node_results)
        if getattr(result, "node", None) is not None
    }


def _read_outcomes(path: str) -> dict[str, dict[str, Any]]:
    try:
        with open(path, encoding="utf-8") as file:
            results = json.load(file)["results"]
        return {
            result["unique_id"]: outcome(result["status"], result.get("adapter_response"))
            for result in results
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # whether there must be a file is the host's to say
