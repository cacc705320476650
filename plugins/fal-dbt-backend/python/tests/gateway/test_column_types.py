"""SQLAlchemy's types as each warehouse names them."""

import pytest
from fal_worker.errors import SessionError
from fal_worker.warehouse import dtypes
from fal_worker.warehouse.registry import facts_of


def sql_types(adapter, dtype):
    return dtypes.sql_types(adapter, facts_of(adapter), dtype)


NUMERIC = ["Numeric", "HasExpressionLookup", "TypeEngine"]


@pytest.mark.parametrize(
    ("kind", "duckdb", "postgres"),
    [
        ({"sql": "DECIMAL(5, 1)"}, "DECIMAL(5, 1)", "DECIMAL(5, 1)"),
        ({"names": ["VARCHAR", "String", "TypeEngine"], "length": 5}, "VARCHAR(5)", "VARCHAR(5)"),
        ({"names": ["Text", "String", "TypeEngine"], "length": None}, "VARCHAR", "VARCHAR"),
        ({"names": NUMERIC, "precision": 10, "scale": 2}, "DECIMAL(10, 2)", "DECIMAL(10, 2)"),
        ({"names": NUMERIC, "precision": 10}, "DECIMAL(10, 0)", "DECIMAL(10, 0)"),
        ({"names": NUMERIC}, "DECIMAL(38, 10)", "NUMERIC"),
        ({"names": ["Float", *NUMERIC]}, "DOUBLE", "DOUBLE PRECISION"),
        ({"names": ["Float", *NUMERIC], "precision": 24}, "REAL", "REAL"),
        ({"names": ["DateTime"], "timezone": True}, "TIMESTAMPTZ", "TIMESTAMPTZ"),
        ({"names": ["Time"], "timezone": False}, "TIME", "TIME"),
        ({"names": ["JSONB", "JSON"]}, "JSON", "JSONB"),
        ({"names": ["BLOB", "LargeBinary", "_Binary"]}, "BLOB", "BYTEA"),
        (
            {"names": ["ARRAY"], "item": {"names": ["Integer"]}, "dimensions": 2},
            "INTEGER[][]",
            "INTEGER[][]",
        ),
    ],
)
def test_types(kind, duckdb, postgres):
    assert [sql_types(adapter, {"a": kind})["a"] for adapter in ("duckdb", "postgres")] == [
        duckdb,
        postgres,
    ]


def test_what_has_no_word():
    for adapter, names in (("duckdb", ["INET", "TypeEngine"]), ("teradata", ["Integer"])):
        with pytest.raises(SessionError) as caught:
            sql_types(adapter, {"a": {"names": names}})
        assert (caught.value.code, names[0] in caught.value.message) == ("gateway::dtype", True)
        assert caught.value.help == "Write the type as SQL text instead: dtype={'a': 'VARCHAR'}"


TYPES = ["integer", "DECIMAL(10, 2)", "VARCHAR[]", "double precision", "timestamp with time zone"]
NO_TYPES = [
    "", "  ", "int) from (values (1)) t(id); create table pwned as select 1; --", "int, x int", "int); drop table orders; --", "int using (select 1)",
    "int default 1", "int not null", "(select 1)", "int; select 1", "int) + (select 1", "int 'x'", "1", "int --", "$1", "f(select 1)", "int) as b, cast(1 as int",
]  # fmt: skip


@pytest.mark.parametrize("adapter", ["duckdb", "postgres", "snowflake", "bigquery", "sqlite"])
def test_a_type_is_a_type_and_nothing_more(adapter):
    for text in TYPES:
        assert sql_types(adapter, {"a": {"sql": text}}) == {"a": text}
    wrong = NO_TYPES if adapter != "duckdb" else [text for text in NO_TYPES if text != "int --"]
    for kind in [
        *({"sql": text} for text in wrong),
        {"names": ["String"], "length": "1) x"},
        {"names": ["ARRAY"], "item": {"sql": "int) x"}},
        {"names": ["Numeric"], "precision": []},
        7,
    ]:
        with pytest.raises(SessionError) as caught:
            sql_types(adapter, {"a": kind})
        assert caught.value.code == "gateway::dtype", kind


def test_types_of_warehouses_are_types():
    for text in (
        "ENUM('a', 'b')",
        "STRUCT(a INTEGER, b MAP(VARCHAR, INTEGER[]))[3]",
        "my_enum",
        '"My Type"',
        "UNION(a INT, b TEXT)",
    ):
        assert sql_types("duckdb", {"a": {"sql": text}}) == {"a": text}
    for adapter, text in (("postgres", "public.mood[]"), ("postgres", "interval day to second(3)"), ("bigquery", "ARRAY<STRUCT<a INT64, b STRING>>"),
                          ("trino", 'ROW(a INTEGER, b ARRAY(VARCHAR))'), ("databricks", "struct<a:int,b:map<string,int>>"), ("snowflake", "NUMBER(38, 0)")):  # fmt: skip
        assert sql_types(adapter, {"a": {"sql": text}}) == {"a": text}
