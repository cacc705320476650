"""Other tables that scripts and models write: committed at once, completely or not at all."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest

FRAME = "import pandas as pd\n"


@pytest.fixture(autouse=True)
def clean(client):
    client.said("execute_sql('drop schema if exists written cascade')")


def test_a_source_is_made_and_appended_to_by_name(client):
    code = """
    import pandas as pd
    write_to_source(pd.DataFrame({"n": [1], "t": ["a"]}), "out", "log")
    write_to_source(pd.DataFrame({"t": ["b"]}), "out", "log", mode="append")
    write_to_source(pd.DataFrame({"T": ["c"], "n": [3]}), source_name="out", table_name="log")
    print(source("out", "log").shape)
    """
    ended, result = client.script(code)
    assert (ended.ok, ended.stdout) == (True, "(3, 2)\n")
    assert result["message"] == "wrote 3 rows to written.log"
    expected = [{"n": 1, "t": "a"}, {"n": None, "t": "b"}, {"n": 3, "t": "c"}]
    assert client.query("select * from written.log order by t") == expected


def test_overwrite_swaps_and_a_failing_script_keeps_what_it_wrote(client):
    code = """
    import pandas as pd
    write_to_source(pd.DataFrame({"n": [1, 2]}), "out", "log")
    write_to_source(pd.DataFrame({"m": ["x"]}), "out", "log", mode="overwrite")
    raise ValueError("late")
    """
    assert "ValueError: late" in client.script(code, role="before")[0].error["message"]
    assert client.query("select * from {{ source('out', 'log') }}") == [{"m": "x"}]


def test_a_column_that_is_not_there_is_named_and_nothing_is_written(client):
    client.said(FRAME + "write_to_source(pd.DataFrame({'n': [1]}), 'out', 'log')")
    error = client.script(
        FRAME + "write_to_source(pd.DataFrame({'n': [1], 'new': [2]}), 'out', 'log')"
    )[0].error
    assert error["message"].startswith('"shop"."written"."log" has no column `new`\nIt has n.')
    assert client.query("select * from written.log") == [{"n": 1}]


def test_a_write_that_breaks_off_leaves_nothing(client):
    code = """
    import pandas as pd
    def rows():
        yield pd.DataFrame({"n": range(200000)})
        raise KeyError("mine")
    try:
        write_to_source(rows(), "out", "log")
    except KeyError:
        write_to_source(pd.DataFrame({"n": [1]}), "out", "log")
    """
    assert client.script(code)[0].ok
    assert client.query("select * from written.log") == [{"n": 1}]


def test_scripts_write_their_model_any_number_of_times(client):
    code = """
    import pandas as pd
    write_to_model(pd.DataFrame({"x": [1, 2]}))
    write_to_model(pd.DataFrame({"x": [3]}), mode="append")
    print(sorted(ref("elsewhere").x))
    write_to_model(pd.DataFrame({"x": [7]}))
    """
    assert client.said(code, model="model.shop.elsewhere") == "[1, 2, 3]\n"
    assert client.query("select * from {{ ref('elsewhere') }}") == [{"x": 7}]
    assert client.session.run("model.shop.elsewhere")["status"] == "success"


@pytest.mark.parametrize("role", ["pre_hook", "post_hook"])
@pytest.mark.parametrize("call", ["write_to_model(t)", "write_to_source(t, 'out', 'log')"])
def test_hooks_write_nothing(client, role, call):
    error = client.script(f"{FRAME}t = pd.DataFrame({{'x': [1]}})\n{call}", role=role)[0].error
    assert (
        "cannot be called in a" in error["message"] and "Make it a Python model" in error["message"]
    )


def test_a_global_script_writes_sources_only(client):
    code = (
        FRAME + "t = pd.DataFrame({'n': [1]})\nwrite_to_source(t, 'out', 'log')\nwrite_to_model(t)"
    )
    error = client.script(code, role="global", model=None)[0].error
    assert (
        "belongs to no model" in error["message"] and "Make it a Python model" in error["message"]
    )
    assert client.query("select * from written.log") == [{"n": 1}]


def test_models_append_within_their_transaction_and_write_sources_at_once(client):
    client.model(FRAME + "write_to_model(pd.DataFrame({'x': [1]}))")
    code = (
        FRAME
        + "write_to_source(pd.DataFrame({'n': [1]}), 'out', 'log')\nwrite_to_model(pd.DataFrame({'x': [2]}), mode='append')\n"
    )
    ended, result = client.model(code)
    assert (ended.ok, result["rows_affected"]) == (True, 1)
    assert client.query("select * from {{ ref('scores') }}") == [{"x": 1}, {"x": 2}]
    ended, result = client.model(code + "raise ValueError('late')")
    assert result["status"] == "error"
    assert client.query("select * from scores") == [{"x": 1}, {"x": 2}]
    assert client.query("select count(*) as n from written.log") == [{"n": 2}]


def test_nothing_is_appended_to_a_view(client):
    client.said(
        "execute_sql('create schema written'); execute_sql('create view written.log as select 1 as n')"
    )
    code = FRAME + "write_to_source(pd.DataFrame({'n': [1]}), 'out', 'log'"
    assert "is a view" in client.script(code + ")")[0].error["message"]
    assert client.script(code + ", mode='overwrite')")[0].ok
    assert client.query("select * from written.log") == [{"n": 1}]


def test_a_source_that_is_no_table_is_read_and_not_written(client):
    code = (
        FRAME
        + "print(source('ext', 'people').name[0])\nwrite_to_source(pd.DataFrame({'id': [1]}), 'ext', 'people')"
    )
    ended, _ = client.script(code)
    assert ended.stdout == "ann\n"
    assert "The source ext.people is no table but read from" in ended.error["message"]


def test_many_scripts_append_at_once(client):
    code = FRAME + "for n in range(5):\n    write_to_source(pd.DataFrame({'n': [n]}), 'out', 'log')"
    with ThreadPoolExecutor(4) as pool:
        ends = [pool.submit(client.script, code, path=f"fal_scripts/s{n}.py") for n in range(4)]
    assert all(end.result()[0].ok for end in ends)
    assert client.query("select count(*) as n, count(distinct n) as d from written.log") == [
        {"n": 20, "d": 5}
    ]


APPENDED = {
    "a fraction": ("int", [1.5], "DOUBLE that is another one in INTEGER"),
    "a time of day": (
        "date",
        [dt.datetime(2024, 1, 1, 5)],
        "TIMESTAMP that is another one in DATE",
    ),
    "a number for a truth": ("boolean", [2], "BIGINT that is another one in BOOLEAN"),
    "digits": ("decimal(5, 2)", [0.123], "DOUBLE that is another one in DECIMAL(5,2)"),
    "a large integer": ("double", [2**53 + 1], "BIGINT that is another one in DOUBLE"),
}


@pytest.mark.parametrize("case", APPENDED)
def test_what_is_appended_stays_as_it_is_or_is_refused(client, case):
    kind, values, says = APPENDED[case]
    code = f"""
    import datetime, pyarrow
    execute_sql("create schema if not exists written")
    execute_sql("create or replace table written.other (x {kind})")
    write_to_source(pyarrow.table({{"x": {values!r}}}), "out", "other", mode="append")
    """
    ended, _ = client.script(code)
    message = ended.error["message"]
    assert f"The column `x` holds a value of {says}, the type of the table" in message
    assert client.query("select * from written.other") == []


def test_what_keeps_its_value_in_another_type_is_appended(client):
    code = """
    import datetime, pyarrow
    execute_sql("create schema if not exists written")
    execute_sql("create or replace table written.other (a int, b decimal(5, 2), c date, d varchar, e timestamp)")
    rows = {"A": [2.0, None], "b": [0.12, None], "c": [datetime.datetime(2024, 1, 1), None], "d": [1, None], "e": ["2024-01-01 5:00", None]}
    write_to_source(pyarrow.table(rows), "out", "other", mode="append")
    print(execute_sql("select a, b::varchar as b, c::varchar as c, d, e::varchar as e from written.other", as_="arrow").to_pylist())
    """
    filled = {"a": 2, "b": "0.12", "c": "2024-01-01", "d": "1", "e": "2024-01-01 05:00:00"}
    assert eval(client.said(code)) == [filled, dict.fromkeys("abcde")]
