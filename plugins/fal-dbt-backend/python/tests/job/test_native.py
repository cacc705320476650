"""dbt-native models: `def model(dbt, session)` in the code that dbt compiles."""

import pyarrow
import pytest

# What dbt appends, shortened: names of relations are rendered, frames come from the function given.
TAIL = """
def ref(*args, **kwargs):
    refs = {"orders": '"db"."main"."orders"'}
    return kwargs["dbt_load_df_function"](refs[".".join(args)])

class this:
    def __repr__(self):
        return '"db"."main"."m"'

class dbtObj:
    def __init__(self, load_df_function):
        self.ref = lambda *args, **kwargs: ref(*args, **kwargs, dbt_load_df_function=load_df_function)
        self.this = this()
        self.is_incremental = False

def materialize(df, con):
    raise AssertionError("this is the session's business")
"""


@pytest.fixture
def native(run, gateway):
    """`native(code)` runs a dbt-native model on a relation of three orders."""
    gateway.tables['"db"."main"."orders"'] = pyarrow.table({"id": [1, 2, 3], "n": [1, None, 3]})
    return lambda code: run(code + TAIL, kind="native")


@pytest.fixture
def result(native, gateway):
    """What the model returned."""

    def result(code):
        ended = native(code)
        assert ended.ok, ended.error["traceback"]
        return gateway.written["write_relation"].to_pydict()

    return result


ROWS = {"id": [1, 2, 3], "n": [1, None, 3]}


@pytest.mark.parametrize("end", ["", ".df()", ".pl()", ".arrow()", ".filter('true')"])
def test_a_relation_in_every_form(result, end):
    rows = result(f"def model(dbt, session):\n    return dbt.ref('orders'){end}\n")
    assert [None if value != value else value for value in rows["n"]] == ROWS["n"]


def test_a_relation_may_be_read_twice(result):
    code = "def model(dbt, session):\n    orders = dbt.ref('orders')\n    assert len(orders.df()) == len(orders.df()) == 3\n    return orders\n"
    assert result(code) == ROWS


def test_the_session_sees_frames_and_relations_of_the_model(result):
    code = "def model(dbt, session):\n    orders = dbt.ref('orders')\n    frame = orders.df()\n"
    code += "    return session.sql('select o.id from orders o join frame f using (id) where id > 1 order by id')\n"
    assert result(code) == {"id": [2, 3]}


def test_the_session_asks_the_warehouse_for_tables_that_it_does_not_know(result, gateway):
    gateway.connection.execute("create schema w; create table w.m as select 5 as top")
    code = "def model(dbt, session):\n    return session.execute('select max(top) as top from w.m').df()\n"
    assert result(code) == {"top": [5]}
    assert gateway.commands[0] == {"token": "t0ken", "op": "sql", "sql": "select max(top) as top from w.m", "raw": True}


def test_this_is_the_warehouses_also_if_a_frame_has_its_name(result, gateway):
    gateway.tables['"db"."main"."m"'] = pyarrow.table({"top": [5]})
    gateway.connection.execute("attach ':memory:' as db; create table db.main.m as select 5 as top")
    code = "def model(dbt, session):\n    m = dbt.ref('orders')\n    native = types = 3\n"
    assert result(code + "    return session.sql(f'select max(top) as top from {dbt.this}')\n") == {"top": [5]}
    gateway.written.clear()
    mixed = "    return session.sql(f'select top + id as n from {dbt.this}, m where id = 1')\n"
    assert result(code + mixed) == {"n": [6]}


def test_a_model_named_as_a_module_of_ours(result, gateway):
    gateway.connection.execute("create table native as select 1 as x")
    assert result("import json as native\ndef model(dbt, session):\n    return session.sql('select x from native')\n") == {
        "x": [1]
    }


def test_fal_as_second_argument_means_pandas(result):
    code = "import pandas\ndef model(dbt, fal):\n    assert isinstance(dbt.ref('orders'), pandas.DataFrame)\n    return dbt.ref('orders')\n"
    assert result(code) == ROWS


def test_our_names_are_not_there(native):
    assert "name 'write_to_model' is not defined" in native("def model(dbt, session):\n    write_to_model(1)\n").error["message"]


def test_it_is_not_main(result):
    code = "name = __name__\nif __name__ == '__main__':\n    raise SystemExit(9)\ndef model(dbt, session):\n    assert name == 'm'\n    return dbt.ref('orders')\n"
    assert result(code) == ROWS


def test_errors_name_the_users_line(native):
    error = native("def model(dbt, session):\n    return dbt.ref('orders').nothing\n").error
    assert 'File "models/m.py", line 2, in model' in error["traceback"]
    assert "fal_worker" not in error["traceback"]


def test_what_is_no_frame(native):
    assert native("def model(dbt, session):\n    pass\n").error["message"].startswith("fal: model does not take NoneType")
    assert "has no model(dbt, session)" in native("x = 1\n").error["message"]
