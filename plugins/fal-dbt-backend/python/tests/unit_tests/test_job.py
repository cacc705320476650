"""The job of a unit test: it reads given rows instead of the warehouse's, and returns its rows
instead of writing them.
"""

import base64

import pyarrow as pa
import pytest


def sent(table):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return base64.b64encode(sink.getvalue().to_pybytes()).decode()


def given(number, name, table, **rest):
    return {
        "input": f"ref('{name}')", "kind": "ref", "source": None, "name": name, "package": "p", "is_own_package": True,
        "version": None, "is_latest": True, "relation": f'"db"."main"."{name}"', "table": f"fal_given_{number}",
        "rows": sent(table), **rest,
    }  # fmt: skip


ORDERS = pa.table({"id": [1, 2, 3], "n": [1, None, 3]})
PAYMENTS = "source('raw', 'payments')"
INPUTS = [
    given(0, "orders", ORDERS),
    given(1, "payments", pa.table({"paid": [5]}), kind="source", source="raw", input=PAYMENTS),
    given(2, "old", pa.table({"v": [1]}), version="1", is_latest=False, input="ref('old', v=1)"),
    given(3, "old", pa.table({"v": [2]}), version="2", input="ref('old', v=2)"),
    given(4, "m", pa.table({"top": [2]}), kind="this", input="this"),
]
UNIT_TEST = {"name": "t", "model": "model.p.m", "vars": {}, "env_vars": {}, "config": {}}
UNIT_TEST["is_incremental"] = False


@pytest.fixture
def test(run, gateway):
    """`test(code)` runs a unit test; returns its answer."""

    def test(code, kind="script", **fields):
        fields = {**UNIT_TEST, "this": '"db"."main"."m"', "given": INPUTS, **fields}
        return run(code, kind=kind, unit_test=fields)

    yield test
    assert not gateway.written, "a unit test writes nothing"
    assert {command.get("op") for command in gateway.commands} <= {None}, (
        "a unit test reads nothing"
    )


def rows(ended):
    assert ended.ok, ended.error
    return pa.ipc.open_stream(base64.b64decode(ended.answer["rows"])).read_all().to_pydict()


def test_reads_are_answered_from_the_given_rows(test):
    ended = test(
        """
        orders, paid = ref("orders"), source("raw", "payments", as_="polars")
        assert [str(kind) for kind in orders.dtypes] == ["int64", "Int64"]
        assert ref("p", "orders", as_="arrow").num_rows == 3 and sum(b.num_rows for b in ref("orders", as_="reader")) == 3
        write_to_model(orders.assign(paid=paid["paid"][0], old=ref("old")["v"][0], older=ref("old", version=1)["v"][0]))
        """
    )
    others = {"paid": [5] * 3, "old": [2] * 3, "older": [1] * 3}
    assert rows(ended) == {**ORDERS.to_pydict(), **others}


def test_parts_of_the_given_rows(test):
    ended = test(
        "write_to_model(ref('orders', columns=['N'], where='id > 1', limit=1, as_='arrow'))"
    )
    assert rows(ended) == {"n": [None]}
    assert "there is no column `x`" in test("ref('orders', columns=['x'])").error["message"]


@pytest.mark.parametrize(
    "call",
    ["ref('customers')", "source('raw', 'orders')", "ref('q', 'orders')", "ref('old', version=3)"],
)
def test_what_is_not_given_is_told(test, call):
    error = test(f"{call}\nwrite_to_model(None)").error
    assert error["kind"] == "fal"
    assert error["message"].splitlines() == [
        f"fal: the model reads {call}, which the unit test t does not give",
        "Add it to `given`, with `rows: []` if its rows do not matter. Given: ref('orders'), source('raw', 'payments'), "
        "ref('old', v=1), ref('old', v=2), this.",
    ]


def test_overrides(test):
    code = """
    import os
    assert (var("day"), env_var("PLACE"), os.environ["PLACE"], is_incremental()) == (3, "Oslo", "Oslo", True)
    write_to_model(ref("orders"), mode="append")
    """
    assert rows(test(code, vars={"day": 3}, env_vars={"PLACE": "Oslo"}, is_incremental=True))[
        "id"
    ] == [1, 2, 3]


@pytest.mark.parametrize("call", ["write_to_source(ref('orders'), 'raw', 'payments')"])
def test_nothing_else_is_written(test, call):
    error = test(f"{call}\nwrite_to_model(ref('orders'))").error
    assert error["message"].startswith("fal: the unit test t does not write to a source")


def test_errors_are_those_of_a_model(test):
    assert test("pass").error["kind"] == "no_write"
    expected = '  File "models/m.py", line 1, in <module>'
    assert test("1 / 0").error["traceback"].splitlines()[1] == expected
    message = test("write_to_model(ref('orders'))\nwrite_to_model(ref('orders'))").error["message"]
    assert "already called at line 1" in message
    assert test("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)").exit["signal"] == 9


def test_a_result_too_large_to_compare_is_refused(test):
    code = "import itertools, pyarrow\nwrite_to_model(pyarrow.table({'x': list(range(100_000))}) for _ in itertools.count())"
    expected = "fal: the model gave 1100000 rows and more to the unit test t, too many to compare"
    assert test(code).error["message"] == expected


def test_a_column_that_is_not_given_is_told(test):
    error = test("orders = ref('orders')\norders['amount']").error
    assert error["message"] == "KeyError: 'amount'"
    assert error["traceback"].splitlines()[-7:-2] == [
        "KeyError: 'amount'",
        "The columns that the unit test t gives:",
        "  ref('orders'): id, n",
        "  source('raw', 'payments'): paid",
        "  ref('old', v=1): v",
    ]


def test_sql_needs_duckdb(test):
    code = "import sys\nsys.modules['duckdb'] = None\n"
    error = test(code + "ref('orders', where='id > 1')").error
    assert error["message"].splitlines() == [
        "fal: SQL in a unit test runs in an in-memory DuckDB, and duckdb is not installed in the model's environment",
        "Install it there, or leave this model's SQL to a data test.",
    ]
    assert rows(test(code + "write_to_model(ref('orders', columns=['id'], limit=2))")) == {
        "id": [1, 2]
    }


def test_sql_sees_the_given_rows_alone(test):
    error = test(
        "orders = ref('orders')\nref('orders', where='id in (select id from orders)')"
    ).error
    assert "Table with name orders does not exist" in error["message"]


NATIVE = "def model(dbt, session):\n"


def test_a_native_model(test):
    ended = test(
        NATIVE + "    dbt.config(materialized='table')\n"
        "    assert dbt.is_incremental and dbt.config.get('limit') == 2 and dbt.config.meta_get('owner') == 'ann'\n"
        "    this = dbt.this\n"
        "    assert [this.database, this.schema, this.identifier, str(this)] == ['db', 'main', 'm', '\"db\".\"main\".\"m\"']\n"
        "    orders = dbt.ref('orders')\n"
        "    assert len(dbt.source('raw', 'payments').df()) == 1 and len(dbt.ref('old', v=1).df()) == 1\n"
        "    ((top,),) = session.sql(f'select max(top) from {this}').fetchall()\n"
        "    return session.sql(f'select id from orders where id > {top}')\n",
        kind="native", config={"limit": 2, "meta": {"owner": "ann"}}, is_incremental=True,
    )  # fmt: skip
    assert rows(ended) == {"id": [3]}


def test_a_native_model_reads_what_is_given_alone(test):
    error = test(NATIVE + "    return dbt.ref('customers')\n", kind="native").error
    assert error["message"].startswith(
        "fal: the model reads ref('customers'), which the unit test t does not give"
    )


def test_a_native_model_without_a_session(test):
    ended = test("def model(dbt, fal):\n    return dbt.ref('orders').assign(n=0)\n", kind="native")
    assert rows(ended) == {"id": [1, 2, 3], "n": [0, 0, 0]}
