"""Filtered reads: the warehouse selects the rows, and conditions mean the same in every warehouse."""

import pytest
from fal_worker.gateway.row_filter import is_plain
from live.job_client import refusal


def test_columns_rows_and_a_limit(job):
    assert job.read(
        "ref", args=["orders"], columns=["amount"], where="id < 3 -- comment", limit=1
    ).to_pydict() == {"amount": [10]}
    expected = ["amount", "id"]
    assert job.read("ref", args=["orders"], columns=["amount", "id"]).schema.names == expected
    assert job.read("source", args=["files", "people"], where="id = 1 or id = 2").num_rows == 2
    assert job.read("ref", args=["orders"], limit=0).schema.names == ["id", "amount"]


def test_columns_are_found_whatever_their_case_and_quoted(job):
    raw = dict(op="sql", raw=True)
    job.read(
        **raw,
        sql="""alter table raw_orders add column "sel""ect" int; alter table raw_orders add column "{{ x }}" int""",
    )
    part = {"columns": ["ID", 'SEL"ECT', "{{ X }}"], "where": "{{ 1 }} = id"}
    read = job.read("source", args=["files", "people"], **part)
    assert read.to_pydict() == {"id": [1], 'sel"ect': [None], "{{ x }}": [None]}
    job.read(
        **raw,
        sql="""alter table raw_orders drop column "sel""ect"; alter table raw_orders drop column "{{ x }}" """,
    )


def test_a_condition_is_jinja(job):
    where = (
        "id > (select min(id) from {{ source('files', 'people') }}) and {{ 'amount' }} is not null"
    )
    assert job.read("ref", args=["orders"], columns=["id"], where=where).to_pydict() == {"id": [2]}
    undeclared = "id in (select x from {{ ref('unrelated') }})"
    assert refusal(job.read, "ref", args=["orders"], where=undeclared).code == "gateway::undeclared"
    assert refusal(job.read, "ref", args=["orders"], where="{{ nope( }}").code == "dbt::compile"


def test_an_ephemeral_model(job):
    assert job.read(
        "ref", args=["shared"], columns=["DOUBLE"], where="double > 20", limit=5
    ).to_pydict() == {"double": [40]}
    where = "id in (select id from {{ ref('orders') }} where id > 2)"
    assert job.read("ref", args=["shared"], where=where).num_rows == 1


def test_what_is_wrong_is_told(job):
    error = refusal(job.read, "ref", args=["orders"], columns=["id", "amuont"])
    assert error.code == "gateway::unknown_column"
    assert error.message == "ref('orders'): there is no column `amuont`"
    assert error.help == "Did you mean `amount`? There are: id, amount"
    assert "nowhere" in refusal(job.read, "ref", args=["orders"], where="nowhere = 1").message
    for part in (
        {"columns": []},
        {"columns": "id"},
        {"where": " "},
        {"where": 1},
        {"limit": -1},
        {"limit": True},
        {"limit": "1"},
    ):
        assert refusal(job.read, "ref", args=["orders"], **part).code == "gateway::part", part


@pytest.mark.parametrize("condition", [
    "id > 1", "id >= 1 and not (name like 'a%' or name is null)", "placed_at between '2024-01-01' and '2024-12-31'", "id in (1, 2, 3)",
    "\"Name\" = 'x'", "`name` <> 'x'", "t.id = -1.5", "a + b * 2 < 3", "not(a)", "flag", "a is not null\nand b != ''",
])  # fmt: skip
def test_comparisons_are_plain(condition):
    assert is_plain(condition) or "''" in condition


@pytest.mark.parametrize("condition", [
    "f(id) > 1", "id in (select 1)", "exists (select 1)", "1=1) union all select * from x where (1=1", "1=1; drop table x", "a = 1 -- x", "a /* x */ = 1",
    "a = 'x\\' or 1 = 1 --'", "a = '''", "a = ''''' (select secret from y) '''''", "\"f\"(1) = 1", "`f`(1) = 1", "a = $$x$$", "a = x'", "a = \"x",
    "# x", "a = @b", "a = :b", "a = {b}", "(a", "a)", ")(", "case when a then 1 end", "a = any (b)", "a::regclass = 1", "a = current_setting ('x')",
    "a ->> 'x' = f (1)", "a = '\u2019; select'; x", "a = 1 limit 1", "a = 1 for update", "f\n(1)", "a in (f (1))", "[1]", "a = 1 group by b",
])  # fmt: skip
def test_all_else_is_not(condition):
    assert not is_plain(condition)
