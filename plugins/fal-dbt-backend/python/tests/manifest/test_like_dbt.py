"""Python models over manifest.json, compared with dbt's own SQL models of the same configuration and rows."""

from __future__ import annotations

import pytest
from materialized.conftest import INCREMENTAL
from materialized.test_hooks import COMMENTS, INDEXES, MORE, ROWS, WRONG
from materialized.test_incremental import BATCHES, batches
from materialized.test_own_table import NEW, OLD, rows, seen

from .conftest import opened


def both(clients, name, table):
    """Runs one batch through both models, and compares how they ended, their tables and what their
    hooks wrote. Returns the outcome and our message.
    """
    outcomes, results = [], []
    for client, run, kind in (
        (clients.dbt, clients.dbt.sql, "sql"),
        (clients.ours, clients.ours.python, "py"),
    ):
        results.append(run(f"{kind}_{name}", table))
        outcomes.append((results[-1]["status"], client.table(f"{kind}_{name}"), client.heard()))
    assert outcomes[1] == outcomes[0], results
    assert clients.ours.left_over() == []
    return *outcomes[1], results[1]["message"]


@pytest.fixture(scope="module", autouse=True)
def heard(both_clients):
    for client in (both_clients.dbt, both_clients.ours):
        client.run("create table if not exists heard (t text)")


@pytest.mark.parametrize("name", sorted({*INCREMENTAL} - {"unknown", "never_anew"}))
def test_three_runs_of_an_incremental_model(both_clients, name):
    for table in batches(name):
        both(both_clients, name, table)


@pytest.mark.parametrize("name", ["hooked", "hooked_rows"])
def test_hooks(both_clients, name):
    _, _, first, _ = both(both_clients, name, ROWS)
    assert first == ["ahead False", "inside", "behind 2", "after"]
    both(both_clients, name, MORE)


@pytest.mark.parametrize("name", ["failing", "failing_rows"])
def test_a_post_hook_that_fails_leaves_the_old_table(both_clients, name):
    clients = (both_clients.dbt, both_clients.ours)
    for client in clients:
        client.run("create table if not exists nowhere (x int)")
    assert both(both_clients, name, ROWS)[2] == ["lost"]
    for client in clients:
        client.run("drop table if exists nowhere")
    status, (_, there), _, message = both(both_clients, name, MORE)
    assert (status, [row[0] for row in there]) == ("error", [1, 2])
    assert "nowhere" in message


@pytest.mark.parametrize("name", ["held", "held_rows"])
def test_a_contract(both_clients, name):
    both(both_clients, name, ROWS)
    null = "select is_nullable from information_schema.columns where table_name = 'py_{}' and column_name = 'id'"
    assert both_clients.ours.query(null.format(name)) == [("NO",)]
    for wrong, part in WRONG.values():
        status, (_, there), _, message = both(both_clients, name, wrong)
        assert (status, len(there)) == ("error", 2)
        assert part in message or part == "constraint"


def test_comments_indexes_and_rights(both_clients):
    dbt, ours = both_clients.dbt, both_clients.ours
    both(both_clients, "described", ROWS)
    for asked in (COMMENTS, INDEXES):
        sql = asked[dbt.warehouse]
        there = ours.query(sql.format("py_described"))
        assert there == dbt.query(sql.format("sql_described"))
        assert there
    script = ours.open("script", role="after", model="model.shop.py_described")
    script.write(ROWS, op="write_to_model", end=True, mode="overwrite")
    assert ours.query(COMMENTS[dbt.warehouse].format("py_described")) == [
        ("Rows; of $a$.",),
        ("The key; unique",),
    ]
    if dbt.warehouse == "postgres":
        dbt.run("do $$ begin create role reads; exception when duplicate_object then null; end $$")
        rights = "select privilege_type::text from information_schema.role_table_grants where table_name = 'py_granted_rows' and grantee = 'reads'"
        for table in (ROWS, MORE):
            both(both_clients, "granted_rows", table)
            assert ours.query(rights) == [("SELECT",)]


def test_modes(both_clients):
    ours = both_clients.ours

    def written(mode, name="moded"):
        result = ours.python(name, MORE.select(["id", "v"]), mode)
        return result["message"] if result["status"] == "error" else len(ours.table(name)[1])

    ours.python("moded", ROWS.select(["id", "v"]))
    assert [written(mode) for mode in (None, "append", "merge", "overwrite")] == [3, 4, 4, 1]
    assert "is a macro" in written("nonsense")
    assert [written(mode, "a_table") for mode in ("append", "append", None)] == [1, 2, 1]
    assert "cannot be written with mode='merge'" in written("merge", "a_table")
    assert "with hooks or a contract" in written("append", "own_hooked")
    assert "unlogged" in written(None, "stored")
    assert "microbatch" in written(None, "a_batch")
    assert "is a macro" in written(None, "py_unknown")


@pytest.mark.parametrize("name", ["own_table", "own_appended", "own_hooked", "own_merged"])
def test_after_its_write_a_model_reads_its_new_table(both_clients, name):
    ours = both_clients.ours
    assert ours.python(name, OLD)["status"] == "success"
    job = ours.open(f"model.shop.{name}")
    assert job.action("is_incremental") is (name in ("own_appended", "own_merged"))
    job.write(NEW)
    if name == "own_merged":
        with pytest.raises(Exception, match="after its write"):
            job.ref(name)
        ours.close(job, ok=False)
        return
    expected = rows(OLD) * (name == "own_appended") + rows(NEW)
    assert seen(job, name) == [sorted(expected)] * 3
    assert ours.close(job)["status"] == "success"
    assert sorted(ours.table(name)[1]) == sorted(expected)


def test_full_refresh(both_clients, places):
    warehouse = both_clients.dbt.warehouse
    names = ("merged", "never_anew")
    for name in names:
        both(both_clients, name, BATCHES[0])
    both_clients.dbt.session.finish()
    both_clients.ours.session.finish()
    with opened(places(warehouse), warehouse, dbt_args=["--full-refresh"]) as anew:
        lengths = [len(both(anew, name, BATCHES[1])[1][1]) for name in names]
        message = anew.ours.python("py_never_anew", BATCHES[0], "overwrite")["message"]
    assert "full_refresh: false" in message
    assert lengths[0] == 3
    assert lengths[1] > 3
