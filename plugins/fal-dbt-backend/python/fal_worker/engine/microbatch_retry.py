"""What `retry` takes over from the run before: of microbatch models, the batches that need not run again."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def take_batches(task: Any, run_results: str | None) -> None:
    """As dbt's own retry does it. dbt 1.8 knows no batches."""
    if run_results is None or not hasattr(task, "batch_map"):
        return
    from dbt.contracts.state import load_result_state

    previous = load_result_state(Path(run_results))
    if previous is None:
        return
    # Without a batch that went well the model may have to be built as on a first run, which batches in the map forbid.
    task.batch_map = {
        result.unique_id: result.batch_results
        for result in previous.results
        if result.batch_results is not None
        and result.batch_results.successful
        and result.batch_results.failed
    }
    began = getattr(previous.metadata, "invocation_started_at", None)
    task.original_invocation_started_at = began or previous.metadata.generated_at
