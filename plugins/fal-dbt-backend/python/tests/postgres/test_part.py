"""Filtered reads, which the server evaluates."""

from live.job_client import refusal


def test_columns_rows_and_a_limit(job):
    assert job.read(
        "ref", args=["orders"], columns=["AMOUNT"], where="id < 3", limit=1
    ).to_pydict() == {"amount": [10]}
    where = "id > (select min(id) from {{ source('raw', 'people') }}) and 'a' like '%a' and '{}'::jsonb = '{}'"
    assert job.read("ref", args=["orders"], columns=["id"], where=where).to_pydict() == {
        "id": [2, 3]
    }


def test_columns_by_their_exact_name_or_the_only_one_like_it(client, job):
    client.query(
        'alter table raw_orders add "Amount" int default 7, add "select" int default 8, add "{{ x }}" int default 9'
    )
    try:
        read = lambda *columns, **part: job.read(
            "source", args=["raw", "people"], columns=columns, limit=1, **part
        )
        assert read("Amount", "amount").to_pydict() == {"Amount": [7], "amount": [10]}
        expected = {"select": [8], "{{ x }}": [9]}
        assert read("SELECT", "{{ X }}", where="{{ 1 }} = 1").to_pydict() == expected
        assert refusal(read, "AMOUNT").help.startswith(
            "Did you mean `amount` or `Amount`? There are: id, amount, Amount"
        )
    finally:
        client.query('alter table raw_orders drop "Amount", drop "select", drop "{{ x }}"')
