"""`dtype=`: the column types that the written table gets."""

import pytest

CODE = """
import pandas as pd
import datetime as dt
{imports}
frame = pd.DataFrame({{"a": ["1", "2"], "b": [1.5, None], "c": ["2024-01-01 10:00:00", None]}})
{call}
"""


def described(client, imports, call, table="written.other"):
    client.said("execute_sql('drop schema if exists written cascade')")
    ended, _ = client.script(CODE.format(imports=imports, call=call))
    assert ended.ok, ended.answer
    rows = client.query(
        f"select column_name as c, data_type as t from duckdb_columns() where schema_name || '.' || table_name = '{table}'"
    )
    return {row["c"]: row["t"] for row in rows}, ended.stderr


WRITE = "write_to_source(frame, 'out', 'other', dtype={})"


@pytest.mark.parametrize(
    ("dtype", "types"),
    [
        ("{'a': 'INTEGER'}", {"a": "INTEGER", "b": "DOUBLE", "c": "VARCHAR"}),
        ("{'a': types.Integer, 'b': types.Numeric(10, 2), 'c': types.DateTime(timezone=True)}",
         {"a": "INTEGER", "b": "DECIMAL(10,2)", "c": "TIMESTAMP WITH TIME ZONE"}),
        ("{'a': types.String(20), 'b': types.BigInteger(), 'c': types.TIMESTAMP()}", {"a": "VARCHAR", "b": "BIGINT", "c": "TIMESTAMP"}),
        ("{'a': types.SmallInteger, 'b': types.Float(24), 'c': types.Date}", {"a": "SMALLINT", "b": "FLOAT", "c": "DATE"}),
        ("{'a': types.NUMERIC, 'b': types.Boolean, 'c': types.Text}", {"a": "DECIMAL(38,10)", "b": "BOOLEAN", "c": "VARCHAR"}),
        ("types.Text", {"a": "VARCHAR", "b": "VARCHAR", "c": "VARCHAR"}),
        ("'VARCHAR'", {"a": "VARCHAR", "b": "VARCHAR", "c": "VARCHAR"}),
        ("{'a': postgresql.JSONB(), 'b': postgresql.DOUBLE_PRECISION, 'c': postgresql.TIMESTAMP(timezone=True)}",
         {"a": "JSON", "b": "DOUBLE", "c": "TIMESTAMP WITH TIME ZONE"}),
        ("{'a': Mine(), 'b': types.Double, 'c': types.LargeBinary}", {"a": "INTEGER", "b": "DOUBLE", "c": "BLOB"}),
        ("{'a': Mine, 'b': types.Enum('x', 'y'), 'c': types.Unicode(5)}", {"a": "INTEGER", "b": "VARCHAR", "c": "VARCHAR"}),
    ],
)  # fmt: skip
def test_types(client, dtype, types):
    if "types." in dtype or "postgresql" in dtype:
        pytest.importorskip("sqlalchemy")
        imports = "from sqlalchemy import types\nfrom sqlalchemy.dialects import postgresql\n"
        imports += "class Mine(types.TypeDecorator):\n    impl = types.Integer\n"
    else:
        imports = ""
    assert described(client, imports, WRITE.format(dtype))[0] == types


def test_lists(client):
    pytest.importorskip("sqlalchemy")
    call = "write_to_source(pd.DataFrame({'l': [['1', '2'], None]}), 'out', 'other', dtype={'l': types.ARRAY(types.Integer)})"
    assert described(client, "from sqlalchemy import types", call)[0] == {"l": "INTEGER[]"}


def test_the_model_and_what_is_appended_are_cast_too(client):
    call = "write_to_model(frame, dtype={'a': 'SMALLINT'})\nwrite_to_model(frame, mode='append', dtype={'a': 'SMALLINT'})"
    client.said(CODE.format(imports="", call=call), model="model.shop.elsewhere")
    assert client.query(
        "select typeof(a) as t, count(*) as n from {{ ref('elsewhere') }} group by 1"
    ) == [{"t": "SMALLINT", "n": 4}]
    assert client.session.run("model.shop.elsewhere")["status"] == "success"
    assert client.model(
        CODE.format(imports="", call="write_to_model(frame, dtype={'a': 'SMALLINT'})")
    )[0].ok
    assert client.query("select distinct typeof(a) as t from {{ ref('scores') }}") == [
        {"t": "SMALLINT"}
    ]


def test_a_column_that_is_not_there_is_mentioned(client):
    types, said = described(client, "", WRITE.format("{'z': 'INTEGER'}"))
    assert types == {"a": "VARCHAR", "b": "DOUBLE", "c": "VARCHAR"}
    assert "dtype names columns that the data has not: z" in said


@pytest.mark.parametrize(
    ("dtype", "message"),
    [
        (
            "{'a': int}",
            "fal: the type of column 'a' in dtype is builtins.int, which is no SQL type\nGive a type of SQLAlchemy",
        ),
        ("{'a': 5}", "fal: the type of column 'a' in dtype is 5, which is no SQL type"),
        ("{'a': types.PickleType}", None),
        (
            "{'a': Odd()}",
            "dtype gives column `a` the type Odd, for which fal knows no type of duckdb",
        ),
        ("{'a': 'NONSENSE'}", 'Writing "shop"."written"."other" failed: '),
        ("{'c': 'INTEGER'}", "Could not convert string '2024-01-01 10:00:00' to INT32"),
    ],
)
def test_what_is_no_type(client, dtype, message):
    pytest.importorskip("sqlalchemy")
    imports = "from sqlalchemy import types\nclass Odd(types.UserDefinedType):\n    pass\n"
    ended, _ = client.script(CODE.format(imports=imports, call=WRITE.format(dtype)))
    assert (message is None and ended.ok) or message in ended.error["message"]


@pytest.mark.parametrize(
    "call", ["write_to_model(frame, {})", "write_to_source(frame, 'out', 'other', {})"]
)
@pytest.mark.parametrize("how", ["", "dtype={'NAME': 'INTEGER'}", "mode='append'"])
@pytest.mark.parametrize("frame", ["pd.DataFrame", "pl.DataFrame", "pa.table"])
def test_columns_that_differ_in_case_only(client, call, how, frame):
    imports = "import pandas as pd, pyarrow as pa\ntry:\n    import polars as pl\nexcept ImportError:\n    pl = pd\n"
    code = f"{imports}frame = {frame}({{'Name': ['1', '2'], 'NAME': ['3', '4']}})\n{call.format(how)}\n"
    ended, _ = client.script(code)
    assert not ended.ok
    assert (
        "The frame has the columns `Name` and `NAME`, which are one name to DuckDB"
        in ended.stderr + str(ended.answer)
    )


def test_dicts_in_a_column_of_json_are_as_they_are(client):
    code = """
    import pandas as pd
    frame = pd.DataFrame({"d": [{"id": 1}, {"v": "x", "id": [1, "y"]}, None], "s": [{"id": 1}, {"v": "x"}, None], "t": ['{"a":  1}', None, "2"]})
    write_to_source(frame, "out", "other", dtype={"d": "JSON", "t": "json"}, mode="overwrite")
    try:
        write_to_source(frame[["d"]], "out", "other", mode="overwrite")
    except FalError as error:
        print(error)
    """
    said = client.said(code)
    rows = client.query(
        "select d::varchar as d, s::varchar as s, t::varchar as t from written.other"
    )
    assert [(row["d"], row["s"], row["t"]) for row in rows] == [
        ('{"id":1}', "{'id': 1, 'v': NULL}", '{"a":  1}'), ('{"v":"x","id":[1,"y"]}', "{'id': NULL, 'v': x}", None), (None, None, "2"),
    ]  # fmt: skip
    assert (
        "column 'd' mixes values of several types, int and list (at the key 'id' of its dicts): row 2 is "
        in str(said)
    )
