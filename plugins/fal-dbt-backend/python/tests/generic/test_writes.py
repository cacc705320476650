"""How a model's frame becomes its table, over any adapter."""

from __future__ import annotations

import pyarrow as pa


def test_nothing_is_seen_before_the_job_is_closed(desk, job):
    desk.write(pa.table({"x": [1]}))
    writer = desk.open()
    writer.write(pa.table({"x": [2]}))
    assert job.ref("scores").to_pydict() == {"x": [1]}
    assert desk.close(writer)["message"] == "SELECT 1"
    assert job.ref("scores").to_pydict() == {"x": [2]}


def test_a_job_that_fails_leaves_the_old_table(desk, job):
    desk.write(pa.table({"x": [1]}))
    writer = desk.open()
    writer.write(pa.table({"x": [2]}))
    desk.close(writer, ok=False)
    assert job.ref("scores").to_pydict() == {"x": [1]}
