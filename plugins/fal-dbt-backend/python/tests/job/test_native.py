"""dbt-native models: `def model(dbt, session)` in the code that dbt compiles."""

import pyarrow
import pytest

# What dbt appends, shortened: it renders the relations' names and loads frames by the given
# function.
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
    return lambda code, adapter="duckdb": run(code + TAIL, kind="native", target={"type": adapter})


@pytest.fixture
def result(native, gateway):
    """Returns the frame that the model returned."""

    def result(code, adapter="duckdb"):
        ended = native(code, adapter)
        assert ended.ok, ended.error["traceback"]
        return gateway.written["write_relation"].to_pydict()

    return result


TOP = {"token": "t0ken", "op": "sql", "sql": "select max(top) as top from w.m", "raw": True}
ROWS = {"id": [1, 2, 3], "n": [1, None, 3]}


@pytest.mark.parametrize("end", ["", ".df()", ".pl()", ".arrow()", ".filter('true')"])
def test_a_relation_in_every_form(result, end):
    rows = result(f"def model(dbt, session):\n    return dbt.ref('orders'){end}\n")
    assert [None if value != value else value for value in rows["n"]] == ROWS["n"]


MODELS = {
    "a relation may be read twice": (
        "def model(dbt, session):\n    orders = dbt.ref('orders')\n    assert len(orders.df()) == len(orders.df()) == 3\n    return orders\n",
        ROWS,
    ),
    "the session sees frames and relations of the model": (
        "def model(dbt, session):\n    orders = dbt.ref('orders')\n    frame = orders.df()\n"
        "    return session.sql('select o.id from orders o join frame f using (id) where id > 1 order by id')\n",
        {"id": [2, 3]},
    ),
    "fal as second argument means pandas": (
        "import pandas\ndef model(dbt, fal):\n    assert isinstance(dbt.ref('orders'), pandas.DataFrame)\n    return dbt.ref('orders')\n",
        ROWS,
    ),
    "it is not __main__": (
        "name = __name__\nif __name__ == '__main__':\n    raise SystemExit(9)\ndef model(dbt, session):\n    assert name == 'm'\n    return dbt.ref('orders')\n",
        ROWS,
    ),
}


@pytest.mark.parametrize("case", MODELS)
def test_what_is_returned(result, case):
    code, rows = MODELS[case]
    assert result(code) == rows


def test_the_session_asks_the_warehouse_for_tables_that_it_does_not_know(result, gateway):
    gateway.connection.execute("create schema w; create table w.m as select 5 as top")
    code = "def model(dbt, session):\n    return session.execute('select max(top) as top from w.m').df()\n"
    assert result(code) == {"top": [5]}
    assert gateway.commands[0] == TOP


def test_this_is_the_warehouses_also_if_a_frame_has_its_name(result, gateway):
    gateway.tables['"db"."main"."m"'] = pyarrow.table({"top": [5]})
    gateway.connection.execute("attach ':memory:' as db; create table db.main.m as select 5 as top")
    code = "def model(dbt, session):\n    m = dbt.ref('orders')\n    native = types = 3\n"
    assert result(code + "    return session.sql(f'select max(top) as top from {dbt.this}')\n") == {
        "top": [5]
    }
    gateway.written.clear()
    mixed = "    return session.sql(f'select top + id as n from {dbt.this}, m where id = 1')\n"
    assert result(code + mixed) == {"n": [6]}


def test_a_model_named_as_a_module_of_ours(result, gateway):
    gateway.connection.execute("create table native as select 1 as x")
    assert result(
        "import json as native\ndef model(dbt, session):\n    return session.sql('select x from native')\n"
    ) == {"x": [1]}


def test_elsewhere_than_on_duckdb_frames_are_pandas_and_the_session_asks_the_warehouse(
    result, gateway
):
    gateway.connection.execute("create schema w; create table w.m as select 5 as top")
    code = """
import pandas
def model(dbt, session):
    orders = dbt.ref("orders")
    assert isinstance(orders, pandas.DataFrame)
    top = session.sql("select max(top) as top from w.m").top[0]
    assert session.table(dbt.ref("orders", as_="name"), as_="arrow").num_rows == 3
    return orders[["id"]] + top
"""
    assert result(code, "postgres") == {"id": [6, 7, 8]}
    assert TOP in gateway.commands


def test_fal_has_what_scripts_have_but_writes(result, native):
    code = """
def model(dbt, fal):
    assert fal.list_models()[0].name == "a" and fal.sql("select 1 as x").x[0] == fal.execute_sql("select 1 as x", as_="arrow")["x"][0].as_py()
    try:
        fal.nothing
    except AttributeError as error:
        assert "it has sql, table and what scripts have" in str(error)
    return fal.sql("select 7 as x", as_="reader")
"""
    assert result(code, "postgres") == {"x": [7]}
    message = native("def model(dbt, fal):\n    return fal.write_to_model(1)\n").error["message"]
    assert "It returns its rows" in message
    error = native(
        "def model(dbt, session):\n    return session.createDataFrame([1])\n", "postgres"
    ).error
    assert error["message"].endswith(
        "the session of a model on postgres has sql(query) and table(name), and no 'createDataFrame'"
    )


@pytest.mark.parametrize("adapter", ["duckdb", "postgres"])
def test_forms_parts_and_names_of_what_is_read(result, gateway, adapter):
    code = """
import polars
def model(dbt, session):
    orders = dbt.ref("orders", as_="polars", columns=["id"], where="id > 0", limit=9)
    assert isinstance(orders, polars.DataFrame)
    assert dbt.ref("orders", as_="name") == '"db"."main"."orders"'
    def parts():
        yield dbt.ref("orders", limit=2)
        yield orders.lazy().with_columns(n=polars.col("id").cast(polars.Int64))
    return parts()
"""
    assert result(code, adapter)["id"] == [1, 2, 3, 1, 2, 3]
    part = {"columns": ["id"], "where": "id > 0", "limit": 9}
    text = gateway.commands
    assert {"token": "t0ken", "op": "relation", "relation": '"db"."main"."orders"', **part} in text


def test_what_dbt_does_not_know_is_told(native):
    error = native("def model(dbt, session):\n    return getattr(dbt, 'ref')('other')\n").error
    assert error["message"].splitlines() == [
        "fal: dbt.ref does not know 'other'",
        "dbt finds what a model reads in calls such as rows = dbt.ref(...) whose arguments are literals.",
    ]
    error = native("def model(dbt, session):\n    return dbt.ref('orders', as_='x')\n").error
    assert "as_ is one of pandas" in error["message"]


def test_our_names_are_not_there(native):
    message = native("def model(dbt, session):\n    write_to_model(1)\n").error["message"]
    assert "name 'write_to_model' is not defined" in message


def test_errors_name_the_users_line(native):
    error = native("def model(dbt, session):\n    return dbt.ref('orders').nothing\n").error
    assert 'File "models/m.py", line 2, in model' in error["traceback"]
    assert "fal_worker" not in error["traceback"]


def test_what_is_no_frame(native):
    error = native("def model(dbt, session):\n    pass\n").error
    assert error["message"].startswith("fal: model does not take NoneType")
    assert "has no model(dbt, session)" in native("x = 1\n").error["message"]
