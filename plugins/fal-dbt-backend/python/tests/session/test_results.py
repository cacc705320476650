"""Timings that the host measures, and timings that dbt measures."""

import pytest
from fal_worker.project.results import _parse_timing


@pytest.mark.parametrize(
    ("text", "dbts"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05"),
        ("2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456"),
        ("2026-01-02T03:04:05.5+02:00", "2026-01-02T01:04:05.500000"),
        ("2026-01-02T03:04:05.000001", "2026-01-02T03:04:05.000001"),
    ],
)
def test_a_time_becomes_utc_without_a_zone(text, dbts):
    (step,) = _parse_timing([{"name": "execute", "started_at": text, "completed_at": None}])
    assert (step.started_at.isoformat(), step.completed_at) == (dbts, None)
