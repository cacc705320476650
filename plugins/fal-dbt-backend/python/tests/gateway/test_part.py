"""A part of a relation, selected by the warehouse."""

from __future__ import annotations

from gateway.test_reads import refusal


def test_columns_rows_and_a_limit(job):
    assert job.read(
        "ref", args=["orders"], columns=["amount"], where="id < 3 -- told", limit=1
    ).to_pydict() == {"amount": [10]}
    assert job.read("ref", args=["orders"], columns=["amount", "id"]).schema.names == [
        "amount",
        "id",
    ]
    assert job.read("source", args=["files", "people"], where="id = 1 or id = 2").num_rows == 2
    assert job.read("ref", args=["orders"], limit=0).schema.names == ["id", "amount"]


def test_columns_are_found_whatever_their_case_and_quoted(job):
    raw = dict(op="sql", raw=True)
    job.read(
        **raw,
        sql="""alter table raw_orders add column "sel""ect" int; alter table raw_orders add column "{{ x }}" int""",
    )
    read = job.read(
        "source",
        args=["files", "people"],
        columns=["ID", 'SEL"ECT', "{{ X }}"],
        where="{{ 1 }} = id",
    )
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
    assert (
        job.read(
            "ref", args=["shared"], where="id in (select id from {{ ref('orders') }} where id > 2)"
        ).num_rows
        == 1
    )


def test_what_is_wrong_is_told(job):
    error = refusal(job.read, "ref", args=["orders"], columns=["id", "amuont"])
    assert (error.code, error.message) == (
        "gateway::unknown_column",
        "ref('orders'): there is no column `amuont`",
    )
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
