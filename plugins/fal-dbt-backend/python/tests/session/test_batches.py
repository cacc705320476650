"""Reasons of failed batches are added to the result of their microbatch model."""

from __future__ import annotations

from types import SimpleNamespace

from fal_worker.engine import batches
from fal_worker.engine.batches import BatchFailures

UID = "model.shop.m"


def fail(
    failures: BatchFailures, number: int, event: str | None = None, message: str = "ERROR"
) -> None:
    if event is not None:
        info = SimpleNamespace(name="GenericExceptionOnRun")
        failures.event(SimpleNamespace(info=info, data=SimpleNamespace(exc=event)))
    runner = SimpleNamespace(
        batch_idx=number, batches=dict.fromkeys(range(9)), node=SimpleNamespace(unique_id=UID)
    )
    failures.note(runner, SimpleNamespace(status="error", message=message))


def explained(failures: BatchFailures) -> str:
    return failures.explained({"unique_id": UID, "message": "PARTIAL SUCCESS (1/9)"})["message"]


def test_each_reason_is_said_once_and_many_are_counted(monkeypatch):
    monkeypatch.setattr(batches, "_day", lambda runner: f"day {runner.batch_idx}")
    failures = BatchFailures()
    in_model = "Exception on worker thread. Runtime Error in model m (models/m.sql)"
    for number in (1, 2):
        fail(failures, number, f"{in_model}\n  no column\n  at line 2")
    fail(failures, 3, message="Compilation Error in model m (models/m.sql)\n  no macro")
    for number in (4, 5, 6):
        fail(failures, number, f"reason {number}")
    assert explained(failures).split("\n") == [
        "PARTIAL SUCCESS (1/9)",
        "batch 2 of 9 (day 1) and 1 more:",
        "  no column",
        "  at line 2",
        "batch 4 of 9 (day 3):",
        "  no macro",
        "batch 5 of 9 (day 4):",
        "  reason 4",
        "2 more batches failed for other reasons",
    ]
    # Each reason appears once, with its model.
    assert explained(failures) == "PARTIAL SUCCESS (1/9)"


def test_what_is_no_failed_batch_leaves_no_reason():
    failures = BatchFailures()
    failures.note(
        SimpleNamespace(node=SimpleNamespace(unique_id=UID)),
        SimpleNamespace(status="error", message="no batch"),
    )
    failures.note(SimpleNamespace(batch_idx=0), SimpleNamespace(status="success", message="OK"))
    assert explained(failures) == "PARTIAL SUCCESS (1/9)"
