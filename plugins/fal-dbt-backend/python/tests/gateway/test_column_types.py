"""SQLAlchemy's types as each warehouse names them."""

import pytest
from fal_worker.warehouse import dtypes
from fal_worker.warehouse.registry import facts_of
from live.job_client import refusal


def sql_types(adapter, dtype):
    return dtypes.sql_types(adapter, facts_of(adapter), dtype)


ADAPTERS = ("duckdb", "postgres", "snowflake", "bigquery", "databricks", "redshift", "trino")
NUMERIC = ["Numeric", "HasExpressionLookup", "TypeEngine"]
ARRAY = {"names": ["ARRAY"], "item": {"names": ["Integer"]}}
# A type of SQLAlchemy, its name in most warehouses, and those of the others (None: it has none).
TYPES = [
    ({"sql": "DECIMAL(5, 1)"}, "DECIMAL(5, 1)", {}),
    ({"names": ["Integer"]}, "INTEGER", {"bigquery": "INT64"}),
    ({"names": ["VARCHAR", "String", "TypeEngine"], "length": 5}, "VARCHAR(5)",
        {"bigquery": "STRING"}),
    ({"names": ["Text", "String", "TypeEngine"], "length": None}, "VARCHAR",
     {"bigquery": "STRING", "databricks": "STRING", "redshift": "VARCHAR(65535)"}),
    ({"names": NUMERIC, "precision": 9, "scale": 2}, "DECIMAL(9, 2)",
     {"snowflake": "NUMBER(9, 2)", "bigquery": "BIGNUMERIC"}),
    ({"names": NUMERIC, "precision": 10}, "DECIMAL(10, 0)",
     {"snowflake": "NUMBER(10, 0)", "bigquery": "BIGNUMERIC"}),
    ({"names": NUMERIC}, "DECIMAL(38, 10)",
     {"postgres": "NUMERIC", "snowflake": "NUMBER(38, 10)", "bigquery": "BIGNUMERIC"}),
    ({"names": ["Float", *NUMERIC]}, "DOUBLE",
     {"postgres": "DOUBLE PRECISION", "redshift": "DOUBLE PRECISION", "snowflake": "FLOAT",
         "bigquery": "FLOAT64"}),
    ({"names": ["Float", *NUMERIC], "precision": 24}, "REAL",
     {"snowflake": "FLOAT", "bigquery": "FLOAT64", "databricks": "FLOAT"}),
    ({"names": ["DateTime"]}, "TIMESTAMP",
     {"snowflake": "TIMESTAMP_NTZ", "bigquery": "DATETIME", "databricks": "TIMESTAMP_NTZ",
         "trino": "TIMESTAMP(6)"}),
    ({"names": ["DateTime"], "timezone": True}, "TIMESTAMPTZ",
     {"snowflake": "TIMESTAMP_TZ", "bigquery": "TIMESTAMP", "databricks": "TIMESTAMP",
         "trino": "TIMESTAMP(6) WITH TIME ZONE"}),
    ({"names": ["Time"], "timezone": False}, "TIME", {"databricks": "STRING", "trino": "TIME(6)"}),
    ({"names": ["JSON"]}, "JSON",
        {"snowflake": "VARIANT", "databricks": "STRING", "redshift": "SUPER"}),
    ({"names": ["JSONB", "JSON"]}, "JSON",
     {"postgres": "JSONB", "snowflake": "VARIANT", "databricks": "STRING", "redshift": "SUPER"}),
    ({"names": ["BLOB", "LargeBinary", "_Binary"]}, "BLOB",
     {"postgres": "BYTEA", "snowflake": "BINARY", "bigquery": "BYTES", "databricks": "BINARY",
      "redshift": "VARBYTE(1000000)", "trino": "VARBINARY"}),
    ({"names": ["Boolean"]}, "BOOLEAN", {"bigquery": "BOOL"}),
    ({**ARRAY, "dimensions": 2}, "INTEGER[][]",
     {"bigquery": "ARRAY<ARRAY<INT64>>", "databricks": "ARRAY<ARRAY<INTEGER>>", "snowflake": None,
         "redshift": None, "trino": None}),
    (ARRAY, "INTEGER[]",
     {"bigquery": "ARRAY<INT64>", "databricks": "ARRAY<INTEGER>", "snowflake": None,
         "redshift": None, "trino": None}),
]  # fmt: skip


@pytest.mark.parametrize(("type", "usual", "others"), TYPES)
def test_types(type, usual, others):
    for adapter in ADAPTERS:
        expected = others.get(adapter, usual)
        if expected is None:
            assert refusal(sql_types, adapter, {"a": type}).code == "gateway::dtype"
        else:
            assert sql_types(adapter, {"a": type}) == {"a": expected}, adapter


def test_what_has_no_word():
    for adapter, names in (("duckdb", ["INET", "TypeEngine"]), ("teradata", ["Integer"])):
        error = refusal(sql_types, adapter, {"a": {"names": names}})
        assert (error.code, names[0] in error.message) == ("gateway::dtype", True)
        assert error.help == "Write the type as SQL text instead: dtype={'a': 'VARCHAR'}"


TEXTS = ["integer", "DECIMAL(10, 2)", "VARCHAR[]", "double precision", "timestamp with time zone"]
NO_TYPES = [
    "", "  ", "int) from (values (1)) t(id); create table pwned as select 1; --", "int, x int",
        "int); drop table orders; --", "int using (select 1)",
    "int default 1", "int not null", "(select 1)", "int; select 1", "int) + (select 1", "int 'x'",
        "1", "int --", "$1", "f(select 1)", "int) as b, cast(1 as int",
]  # fmt: skip


@pytest.mark.parametrize("adapter", ["duckdb", "postgres", "snowflake", "bigquery", "sqlite"])
def test_a_type_is_a_type_and_nothing_more(adapter):
    for text in TEXTS:
        assert sql_types(adapter, {"a": {"sql": text}}) == {"a": text}
    wrong = NO_TYPES if adapter != "duckdb" else [text for text in NO_TYPES if text != "int --"]
    for kind in [
        *({"sql": text} for text in wrong),
        {"names": ["String"], "length": "1) x"},
        {"names": ["ARRAY"], "item": {"sql": "int) x"}},
        {"names": ["Numeric"], "precision": []},
        7,
    ]:
        assert refusal(sql_types, adapter, {"a": kind}).code == "gateway::dtype", kind


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
