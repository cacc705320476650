"""What a type of SQLAlchemy is in the words of a warehouse."""

import pytest
from fal_worker.gateway.column_types import sql_types
from fal_worker.session.errors import SessionError

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
        ({"names": ["ARRAY"], "item": {"names": ["Integer"]}, "dimensions": 2}, "INTEGER[][]", "INTEGER[][]"),
    ],
)
def test_types(kind, duckdb, postgres):
    assert [sql_types(adapter, {"a": kind})["a"] for adapter in ("duckdb", "postgres")] == [duckdb, postgres]


def test_what_has_no_word():
    for adapter, names in (("duckdb", ["INET", "TypeEngine"]), ("teradata", ["Integer"])):
        with pytest.raises(SessionError) as caught:
            sql_types(adapter, {"a": {"names": names}})
        assert (caught.value.code, names[0] in caught.value.message) == ("gateway::dtype", True)
        assert caught.value.help == "Write the type as SQL text instead: dtype={'a': 'VARCHAR'}"
