"""Tables that models write: whole or not at all, and replaced as dbt replaces its own."""

from __future__ import annotations

import pyarrow as pa


def test_a_model_writes_and_is_read(desk, job):
    result = desk.write(pa.table({"x": [1, None]}))
    assert (result["rows_affected"], result["message"]) == (2, "SELECT 2")
    assert job.ref("scores").to_pydict() == {"x": [1, None]}
