"""Writes of scripts: if the columns are the same, the table and its dependents stay, and only its
rows change.
"""

import datetime as dt
import itertools

import pyarrow as pa
import pytest
from live.job_client import GatewayError, refusal

_count = itertools.count()


@pytest.fixture
def write(client):
    """Writes as an after-script of `orders` would; returns the recorded message."""

    def written(table: pa.Table, op: str = "write_to_source", **command: object) -> str:
        unique_id = f"script.orders.AFTER.s{next(_count)}.py"
        job, ok = client.open(unique_id, role="after", model="model.shop.orders"), False
        args = ["raw", "people"] if op == "write_to_source" else []
        try:
            job.write(table, op=op, end=True, **{"args": args, **command})
            ok = True
        finally:
            closed = client.close(job, ok)
        return closed["message"]

    return written


@pytest.fixture(autouse=True)
def people(client):
    """The source's table, with objects that the user attached to it."""
    client.query("drop table if exists raw_orders cascade")
    client.query("create table raw_orders (id integer primary key, amount numeric(12,2))")
    client.query(
        "insert into raw_orders values (1, 1); create view of_people as select id from raw_orders"
    )
    client.query("comment on table raw_orders is 'mine'")


def rows(client) -> list[tuple]:
    return client.query("select id, amount from raw_orders order by id")


def company(client) -> list[tuple]:
    return client.query("select count(*), obj_description('raw_orders'::regclass) from of_people")


def test_a_source_of_the_same_columns_keeps_its_table(client, write):
    frame = pa.table({"amount": pa.array([2, None], pa.decimal128(12, 2)), "id": [7, 8]})
    assert write(frame) == "wrote 2 rows to public.raw_orders"
    assert [(id, amount and float(amount)) for id, amount in rows(client)] == [(7, 2.0), (8, None)]
    assert company(client) == [(2, "mine")]
    assert client.query("select indexname from pg_indexes where tablename = 'raw_orders'") == [
        ("raw_orders_pkey",)
    ]


def test_a_value_that_does_not_fit_leaves_the_source(client, write):
    for wrong in ([1, 1], [2**40, 1]):
        with pytest.raises(GatewayError):
            write(pa.table({"id": wrong, "amount": pa.array([1, 1], pa.decimal128(12, 2))}))
        assert [id for id, _ in rows(client)] == [1]


def test_a_source_of_other_columns_is_not_made_anew_where_something_hangs_on_it(client, write):
    frame = pa.table({"id": [1], "new": [1]})
    error = refusal(write, frame)
    assert error.code == "gateway::depended_on"
    assert "of_people" in error.message
    assert company(client) == [(1, "mine")]
    client.query("drop view of_people")
    write(frame)
    assert client.query("select * from raw_orders") == [(1, 1)]


def test_append_to_a_source_and_a_source_that_is_not_there(client, write):
    write(pa.table({"id": [2]}), mode="append")
    assert (len(rows(client)), company(client)) == (2, [(2, "mine")])
    client.query("drop table raw_orders cascade")
    write(pa.table({"id": [2]}), mode="append")
    assert client.query("select * from raw_orders") == [(2,)]


def test_dbt_goes_on_with_a_model_whose_rows_a_script_wrote(client, write):
    run = client.session.run
    client.query("create table if not exists raw_orders (id integer, amount numeric(12,2))")
    for model in ("orders", "seen"):
        result = run(f"model.shop.{model}")
        assert result["status"] == "success", result
    same = pa.table(
        {"id": pa.array([5], pa.int32()), "amount": pa.array([5], pa.decimal128(12, 2))}
    )
    write(same, "write_to_model")
    assert client.query("select id from seen") == [(5,)]
    # A new column needs a new table. The view is dropped, as dbt would drop it, and dbt's cache
    # knows.
    write(same.append_column("more", pa.array([1])), "write_to_model")
    assert client.query("select * from orders") == [(5, 5, 1)]
    assert client.query("select count(*) from pg_views where viewname = 'seen'") == [(0,)]


def test_a_source_of_another_database_is_refused_as_dbt_refuses_it(client, write):
    with pytest.raises(GatewayError, match="Cross-db references not allowed in postgres"):
        write(pa.table({"id": [1]}), args=["far", "people"])
    assert client.query("select count(*) from pg_tables where tablename = 'people'") == [(0,)]


APPENDED = [
    ("integer", [1.5], "double precision that is another one in integer"),
    (
        "date",
        [dt.datetime(2024, 1, 1, 5)],
        "timestamp without time zone that is another one in date",
    ),
    ("numeric(5,2)", [0.123], "double precision that is another one in numeric(5,2)"),
]


@pytest.mark.parametrize(("kind", "values", "says"), APPENDED)
def test_what_is_appended_stays_as_it_is_or_is_refused(client, write, kind, values, says):
    client.query(f"drop table if exists raw_orders cascade; create table raw_orders (x {kind})")
    error = refusal(write, pa.table({"x": values}), mode="append")
    assert error.message == f"The column `x` holds a value of {says}, the type of the table"
    assert client.query("select * from raw_orders") == []
    client.query("drop table raw_orders")


def test_what_keeps_its_value_in_another_type_is_appended(client, write):
    client.query(
        "drop table if exists raw_orders cascade; create table raw_orders (a integer, b numeric(5,2), c date, d timestamp)"
    )
    rows = {
        "a": [2.0, None],
        "b": [0.12, None],
        "c": [dt.datetime(2024, 1, 1), None],
        "d": ["2024-01-01 5:00", None],
    }
    # PostgreSQL doesn't cast text to timestamp on assignment.
    with pytest.raises(GatewayError, match="timestamp"):
        write(pa.table(rows), mode="append")
    write(pa.table(rows).drop_columns("d"), mode="append")
    expected = [(2, "0.12", "2024-01-01"), (None, None, None)]
    assert client.query("select a, b::text, c::text from raw_orders") == expected
    client.query("drop table raw_orders")
