"""SQLAlchemy's types as each cloud names them, and JSON that is stored as more than text."""

from __future__ import annotations

import pyarrow as pa
import pytest
from clouds.world import relation
from fal_worker.errors import SessionError
from fal_worker.warehouse import dtypes
from fal_worker.warehouse.registry import facts_of


def sql_types(adapter, dtype):
    return dtypes.sql_types(adapter, facts_of(adapter), dtype)


NUMERIC = ["Numeric", "TypeEngine"]
ORDER = ("snowflake", "bigquery", "databricks", "redshift", "trino")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ({"sql": "DECIMAL(5, 1)"}, ["DECIMAL(5, 1)"] * 5),
        ({"names": ["Integer"]}, ["INTEGER", "INT64", "INTEGER", "INTEGER", "INTEGER"]),
        (
            {"names": ["VARCHAR", "String"], "length": 5},
            ["VARCHAR(5)", "STRING", "VARCHAR(5)", "VARCHAR(5)", "VARCHAR(5)"],
        ),
        (
            {"names": ["Text", "String"], "length": None},
            ["VARCHAR", "STRING", "STRING", "VARCHAR(65535)", "VARCHAR"],
        ),
        (
            {"names": NUMERIC, "precision": 9, "scale": 2},
            ["NUMBER(9, 2)", "BIGNUMERIC", "DECIMAL(9, 2)", "DECIMAL(9, 2)", "DECIMAL(9, 2)"],
        ),
        (
            {"names": NUMERIC},
            [
                "NUMBER(38, 10)",
                "BIGNUMERIC",
                "DECIMAL(38, 10)",
                "DECIMAL(38, 10)",
                "DECIMAL(38, 10)",
            ],
        ),
        (
            {"names": ["Float", *NUMERIC]},
            ["FLOAT", "FLOAT64", "DOUBLE", "DOUBLE PRECISION", "DOUBLE"],
        ),
        (
            {"names": ["Float", *NUMERIC], "precision": 24},
            ["FLOAT", "FLOAT64", "FLOAT", "REAL", "REAL"],
        ),
        (
            {"names": ["DateTime"]},
            ["TIMESTAMP_NTZ", "DATETIME", "TIMESTAMP_NTZ", "TIMESTAMP", "TIMESTAMP(6)"],
        ),
        (
            {"names": ["DateTime"], "timezone": True},
            [
                "TIMESTAMP_TZ",
                "TIMESTAMP",
                "TIMESTAMP",
                "TIMESTAMPTZ",
                "TIMESTAMP(6) WITH TIME ZONE",
            ],
        ),
        ({"names": ["Time"]}, ["TIME", "TIME", "STRING", "TIME", "TIME(6)"]),
        ({"names": ["JSON"]}, ["VARIANT", "JSON", "STRING", "SUPER", "JSON"]),
        (
            {"names": ["BLOB", "LargeBinary", "_Binary"]},
            ["BINARY", "BYTES", "BINARY", "VARBYTE(1000000)", "VARBINARY"],
        ),
        ({"names": ["Boolean"]}, ["BOOLEAN", "BOOL", "BOOLEAN", "BOOLEAN", "BOOLEAN"]),
    ],
)
def test_types(kind, words):
    assert [sql_types(adapter, {"a": kind})["a"] for adapter in ORDER] == words


def test_arrays():
    kind = {"names": ["ARRAY"], "item": {"names": ["Integer"]}}
    assert [sql_types(adapter, {"a": kind})["a"] for adapter in ("bigquery", "databricks")] == [
        "ARRAY<INT64>",
        "ARRAY<INTEGER>",
    ]
    for adapter in ("snowflake", "redshift", "trino"):
        with pytest.raises(SessionError) as caught:
            sql_types(adapter, {"a": kind})
        assert caught.value.code == "gateway::dtype"


PARSED = {
    "snowflake": ("variant", "parse_json($1:c0::varchar)::variant"),
    "bigquery": ("JSON", "parse_json(c0) as `x`"),
    "databricks": ("variant", "parse_json('[1]')"),
    "redshift": ("SUPER", "json_parse(?::varchar(65535))"),
    "trino": ("JSON", "json_parse('[1]')"),
}


def test_text_is_parsed_for_a_type_of_json(cloud):
    """A cast would turn the text into a JSON string."""
    type, expected = PARSED[cloud.kind]
    cloud.warehouse.begin_write(
        relation(), pa.table({"x": ["[1]"]}).to_reader(), "overwrite", {"x": type}
    ).commit()
    assert cloud.world.rows() == [("[1]",)]
    assert any(expected in step for step in cloud.world.steps), cloud.world.steps
