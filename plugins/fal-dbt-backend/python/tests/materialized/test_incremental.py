"""Incremental Python models compared with SQL models of the same configuration.

Both get the same rows in three runs, and then in a full refresh.
"""

import pyarrow as pa
import pytest

from .conftest import INCREMENTAL, clients, same


def rows(*each: tuple, **more: list) -> pa.Table:
    names = ("id", "day", "v")
    return pa.table(
        {**{name: [row[place] for row in each] for place, name in enumerate(names)}, **more}
    )


BATCHES = [
    rows((1, 1, "a"), (2, 1, "b"), (3, 2, None)),
    rows((2, 1, "B"), (2, 2, "bb"), (4, 1, "d")),
    rows((4, 1, "D"), (1, 9, "again")),
]
# The second batch has an additional column, the third lacks one.
CHANGING = [
    BATCHES[0],
    rows((2, 1, "B"), (5, 1, "e"), more=[1.5, None]),
    pa.table({"id": [6], "v": ["f"]}),
]
# One batch has the same key twice.
TWICE = [BATCHES[0], rows((2, 1, "x"), (2, 1, "y")), BATCHES[2]]


def batches(name: str) -> list[pa.Table]:
    return CHANGING if name.startswith("changed") else BATCHES


def both(client, name: str, table: pa.Table) -> tuple:
    """Runs one batch through both models, asserts equal outcomes, and returns the outcome."""
    results = [client.sql(f"sql_{name}", table), client.python(f"py_{name}", table)]
    tables = [client.table(f"{kind}_{name}") for kind in ("sql", "py")]
    outcomes = [
        (r["status"], None if r["status"] == "success" else same(r["message"]), t)
        for r, t in zip(results, tables)
    ]
    assert outcomes[0] == outcomes[1]
    if results[0]["status"] == "success":
        reported = [(r["message"], r["adapter_response"]) for r in results]
        assert reported[0] == reported[1]
    return outcomes[0]


@pytest.mark.parametrize("name", INCREMENTAL)
def test_three_runs(client, name):
    for table in batches(name):
        both(client, name, table)
    assert client.left_over() == []


def test_what_the_strategies_do(client):
    """Checks that the strategies have an effect: the comparisons are not between empty tables."""
    if client.warehouse == "duckdb":
        assert client.table("py_plain")[1] == sorted(
            (tuple(row.values()) for table in BATCHES for row in table.to_pylist()), key=repr
        )
    assert [row[0] for row in client.table("py_appended")[1]] == [1, 1, 2, 2, 2, 3, 4, 4]
    expected = [(1, 1, "a"), (1, 9, "again"), (2, 1, "B"), (2, 2, "bb"), (3, 2, None), (4, 1, "D")]
    assert client.table("py_merged_both")[1] == expected
    expected = [(1, 9, "again"), (2, 1, "B"), (2, 2, "bb"), (3, 2, None), (4, 1, "D")]
    assert client.table("py_replaced")[1] == expected
    expected = ["id", "day", "v", "more"]
    assert [column for column, _ in client.table("py_changed_append_new_columns")[0]] == expected
    assert [column for column, _ in client.table("py_changed_sync_all_columns")[0]] == ["id", "v"]
    assert len(client.table("py_changed_fail")[1]) == 3


def test_full_refresh(client, projects, request):
    client.session.finish()
    with clients(projects(client.warehouse), client.warehouse) as opened:
        anew = opened(dbt_args=["--full-refresh"])
        for name in INCREMENTAL:
            both(anew, name, BATCHES[1])
        assert anew.table("py_merged")[1] == sorted(
            (tuple(row.values()) for row in BATCHES[1].to_pylist()), key=repr
        )
        assert len(anew.table("py_never_anew")[1]) > 3
