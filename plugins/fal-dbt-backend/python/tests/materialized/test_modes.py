"""How a Python model is materialized, and which modes of a write its configuration allows."""

from __future__ import annotations

import pyarrow as pa
import pytest

from .conftest import clients

ROWS = pa.table({"id": [1, 2], "v": ["a", "b"]})
MORE = pa.table({"id": [2], "v": ["B"]})


def test_a_view_becomes_a_table_with_a_warning(client):
    assert client.python("a_view", ROWS)["message"] == "SELECT 2"
    assert client.query(
        "select table_type from information_schema.tables where table_name = 'a_view'"
    ) == [("BASE TABLE",)]
    assert client.session.logs("warn") == [
        "model.shop.a_view is a Python model: it becomes a table, not a view"
    ]


def test_a_view_of_the_whole_project_becomes_a_table(client):
    """`batch` is configured only in dbt_project.yml."""
    assert client.python("batch", ROWS)["message"] == "SELECT 2"
    assert client.python("a_table", ROWS)["message"] == "SELECT 2"
    assert not [line for line in client.session.logs("warn") if "batch" in line]


def test_the_project_file_says_incremental(client):
    seen = []
    for table in (ROWS, MORE):
        job = client.open("model.shop.by_project")
        seen.append(job.action("is_incremental"))
        job.write(table)
        assert client.close(job)["status"] == "success"
    assert seen == [False, True]
    assert client.table("by_project")[1] == [(1, "a"), (2, "B")]


def test_a_version_has_its_own(client):
    for _ in range(2):
        assert client.python("dim.v1", MORE, "append")["status"] == "success"
        assert client.python("dim.v2", MORE)["status"] == "success"
    assert client.table("dim_v1")[1] == [(2, "B"), (2, "B")]
    assert client.table("dim_v2")[1] == [(2, "B")]


def test_the_graph_tells(client):
    """The graph gives selectors, reports and artifacts the materialization of a stub's table, while
    dbt still treats the stub as before.
    """
    materialized = {
        node["unique_id"]: node["config"].get("materialized")
        for node in client.session.graph["nodes"]
    }
    names = ("batch", "a_view", "a_table", "by_project", "moded", "customized", "dim.v1", "dim.v2")
    tables = ["table"] * 3
    expected = [*tables, *["incremental"] * 2, "customized", "table", "incremental"]
    assert [materialized[f"model.shop.{name}"] for name in names] == expected


def test_is_incremental_of_others(client):
    assert client.open("model.shop.a_table").action("is_incremental") is False
    client.sql("sql_appended", ROWS)
    hook = client.open("hook.x", role="post_hook", model="model.shop.sql_appended")
    assert hook.action("is_incremental") is True
    with pytest.raises(Exception, match="belongs to no model"):
        client.looker.action("is_incremental")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a_batch", "microbatch cuts SQL into batches"),
        ("a_query", "cannot be materialized as materialized_view"),
    ],
)
def test_what_a_python_model_cannot_be(client, name, message):
    failed = client.python(name, ROWS)
    assert failed["status"] == "error"
    assert message in failed["message"]


def test_a_materialization_of_the_project(client):
    assert client.python("customized", ROWS)["status"] == "success"
    assert client.table("customized")[1] == [(1, "a", "customized"), (2, "b", "customized")]


def test_modes_of_an_incremental_model(client):
    def written(mode: str | None) -> list:
        result = client.python("moded", MORE, mode)
        if result["status"] == "error":
            return result["message"]
        return [row[0] for row in client.table("moded")[1]]

    client.python("moded", ROWS)
    assert written(None) == [1, 2]
    assert written("append") == [1, 2, 2]
    assert written("delete+insert") == [1, 2]
    assert written("merge") == [1, 2]
    assert "get_incremental_nonsense_sql" in written("nonsense")
    assert "insert_overwrite' is not valid for this adapter" in written("insert_overwrite")
    assert "cannot be written with mode='microbatch'" in written("microbatch")
    assert written("overwrite") == [2]
    assert written(None) == [2]


def test_modes_of_tables(client):
    client.python("a_table", ROWS)
    assert client.python("a_table", MORE, "append")["status"] == "success"
    assert [row[0] for row in client.table("a_table")[1]] == [1, 2, 2]
    assert client.python("a_table", MORE, "overwrite")["status"] == "success"
    assert [row[0] for row in client.table("a_table")[1]] == [2]
    message = client.python("a_table", MORE, "merge")["message"]
    assert "is a table: it cannot be written with mode='merge'" in message
    assert client.python("held_table", ROWS, "overwrite")["status"] == "success"
    message = client.python("held_table", MORE, "append")["message"]
    assert "is materialized as table with a contract" in message
    message = client.python("customized", MORE, "overwrite")["message"]
    assert "is materialized as customized" in message
    assert "full_refresh: false" in client.python("py_never_anew", ROWS, "overwrite")["message"]
    assert client.left_over() == []


def test_how_a_table_is_stored_is_said_to_dbt(client):
    """Storage options are keys of the adapter, which dbt's macros read."""
    for mode in ("append", "append", None, "append"):
        assert client.python("stored", ROWS, mode)["status"] == "success"
    assert len(client.table("stored")[1]) == 4
    if client.warehouse == "postgres":
        assert client.query(
            "select relpersistence::text from pg_class where relname = 'stored'"
        ) == [("u",)]
    message = client.python("stored", ROWS, "merge")["message"]
    assert "cannot be written with mode='merge'" in message


def test_a_staging_table_that_was_left_over(client, projects):
    """A killed run left a staging table: of a model that is staged, and of one that used to be."""
    for name in ("moded", "a_table"):
        client.run(f"create table {name}__fal_stage as select 7 as other")
    client.session.finish()
    with clients(projects(client.warehouse), client.warehouse) as opened:
        anew = opened()
        assert len(anew.left_over()) == 2
        for name in ("moded", "a_table"):
            assert anew.python(name, ROWS)["status"] == "success"
        assert anew.left_over() == []
