"""The reasons why batches of microbatch models failed.

dbt reports each reason in an event as the batch ends; the model's result only counts them.
"""

from __future__ import annotations

import textwrap
import threading
from typing import Any

from fal_worker.protocol import NodeResult

# More reasons than these are only counted.
_SHOWN = 3
# How dbt's event of an error begins.
_LEAD = "Exception on worker thread. "


class BatchFailures:
    """Collects the failures of the running models. dbt runs batches on several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_thread = threading.local()
        # By model: each reason, with the batches that failed for it.
        self._reasons: dict[str, dict[str, list[str]]] = {}

    def event(self, message: Any) -> None:
        """Receives dbt's events, on the batch's own thread."""
        if message.info.name == "GenericExceptionOnRun":
            self._of_thread.reason = str(message.data.exc)

    def note(self, runner: Any, result: Any) -> None:
        """Notes a result that dbt recorded, and ignores all but failed batches."""
        said, self._of_thread.reason = getattr(self._of_thread, "reason", None), None
        if (
            getattr(runner, "batch_idx", None) is None
            or str(getattr(result.status, "value", result.status)) != "error"
        ):
            return
        batch = f"batch {runner.batch_idx + 1} of {len(runner.batches)} ({_day(runner)})"
        message = str(result.message or "")
        reason = _reason(said if said and message in ("", "ERROR") else message)
        with self._lock:
            self._reasons.setdefault(runner.node.unique_id, {}).setdefault(reason, []).append(batch)

    def explained(self, result: NodeResult) -> NodeResult:
        """Returns a model's result with the reasons of its batches in its message."""
        with self._lock:
            reasons = self._reasons.pop(result["unique_id"], None)
        if not reasons:
            return result
        lines = [str(result["message"] or "")]
        for reason, batches in list(reasons.items())[:_SHOWN]:
            more = f" and {len(batches) - 1} more" if len(batches) > 1 else ""
            lines += [f"{batches[0]}{more}:", textwrap.indent(reason, "  ")]
        if left := sum(len(batches) for batches in list(reasons.values())[_SHOWN:]):
            lines.append(f"{left} more batches failed for other reasons")
        return {**result, "message": "\n".join(lines)}


def _day(runner: Any) -> str:
    from dbt.materializations.incremental.microbatch import MicrobatchBuilder

    start = runner.batches[runner.batch_idx][0]
    return str(MicrobatchBuilder.format_batch_start(start, runner.node.config.batch_size))


def _reason(message: str) -> str:
    """Removes the line that names the model, which its result names too."""
    message = message.removeprefix(_LEAD)
    first, _, rest = message.strip().partition("\n")
    return (
        textwrap.dedent(rest).strip() if rest and " Error in model " in first else message.strip()
    )
