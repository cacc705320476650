"""How a model's frame becomes its table, over any adapter."""

import pyarrow as pa
import pytest
from generic.conftest import GRANTED
from live.job_client import GatewayError, refusal

LEFT_OVER = "select count(*) as n from {} where name like '{}\\_\\_%' escape '\\'"


def left_over(client, job, name: str = "scores") -> int:
    catalogue = (
        "sqlite_master"
        if client.warehouse == "sqlite"
        else "(select table_name as name from information_schema.tables) as t"
    )
    return job.sql(LEFT_OVER.format(catalogue, name), raw=True)["n"].to_pylist()[0]


def test_nothing_is_seen_before_the_job_is_closed(client, job):
    client.write(pa.table({"x": [1]}))
    writer = client.open()
    writer.write(pa.table({"x": [2]}))
    assert job.ref("scores").to_pydict() == {"x": [1]}
    assert client.close(writer)["message"] == "SELECT 1"
    assert job.ref("scores").to_pydict() == {"x": [2]}
    assert left_over(client, job) == 0


def test_a_job_that_fails_leaves_the_old_table(client, job):
    client.write(pa.table({"x": [1]}))
    writer = client.open()
    writer.write(pa.table({"x": [2]}))
    client.close(writer, ok=False)
    assert job.ref("scores").to_pydict() == {"x": [1]}
    assert left_over(client, job) == 0


def test_rows_in_many_statements_arrive_in_order(client, job):
    table = pa.table({"i": pa.array(range(25_001)), "t": [f"{i} ?%s" for i in range(25_001)]})
    assert client.write(table)["rows_affected"] == 25_001
    assert job.ref("scores").sort_by("i").equals(table)


def test_a_value_that_the_warehouse_refuses_fails_the_model(client, job):
    client.write(pa.table({"x": [1]}))
    integer = {"x": {"sql": "integer check (typeof(x) = 'integer')"}}
    with pytest.raises(GatewayError):
        client.write(pa.table({"x": ["a"]}), mode="overwrite", dtype=integer)
    assert job.ref("scores").to_pydict() == {"x": [1]}
    assert left_over(client, job) == 0


def test_an_error_in_the_middle_of_the_swap_leaves_the_old_table(client, job):
    """Grants run when the new table already has its final name."""
    if client.warehouse == "duckdb":
        pytest.skip("dbt-duckdb knows no rights that could be missing")
    job.sql("create table granted as select 1 as x", raw=True)
    writer = client.open(GRANTED)
    writer.write(pa.table({"x": [2]}))
    result = client.close(writer)
    assert result["status"] == "error"
    assert job.sql("select * from granted", raw=True).to_pydict() == {"x": [1]}
    assert left_over(client, job, "granted") == 0


def test_names_of_columns_are_quoted(client, job):
    table = pa.table({'a "b"': [1], "select": [2], "100%": [3], "é": [4]})
    client.write(table)
    assert job.ref("scores").equals(table)


def test_a_view_of_the_name_is_replaced(client, job):
    job.sql("drop table if exists scores", raw=True)
    job.sql("create view scores as select 0 as old", raw=True)
    writer = client.open()
    writer.write(pa.table({"x": [3]}))
    assert job.ref("scores").to_pydict() == {"old": [0]}
    client.close(writer)
    assert job.ref("scores").to_pydict() == {"x": [3]}


def test_views_of_the_table_see_the_new_one(client, job):
    client.write(pa.table({"x": [1]}))
    job.sql("create view seen as select x + 1 as y from scores", raw=True)
    client.write(pa.table({"x": [2]}))
    if client.warehouse == "postgres":
        # The views belong to the old table and are dropped with it, as they are when dbt replaces a
        # table.
        with pytest.raises(GatewayError, match="seen"):
            job.sql("select * from seen", raw=True)
        return
    assert job.sql("select * from seen", raw=True).to_pydict() == {"y": [3]}
    job.sql("drop view seen", raw=True)


def test_rows_are_appended_by_name(client, job):
    client.write(pa.table({"x": [1], "y": ["a"]}))
    writer = client.open()
    writer.write(pa.table({"y": ["b"], "x": pa.nulls(1)}), mode="append")
    assert job.ref("scores").num_rows == 1
    client.close(writer)
    assert job.ref("scores").to_pydict() == {"x": [1, None], "y": ["a", "b"]}
    assert left_over(client, job) == 0


def test_appending_to_what_has_no_such_column_says_what_there_is(client):
    client.write(pa.table({"x": [1]}))
    writer = client.open()
    error = refusal(writer.write, pa.table({"z": [1]}), mode="append")
    assert "has no column `z`" in error.message
    assert "It has x." in error.help
    client.close(writer, ok=False)


PEOPLE = {"op": "write_to_source", "args": ["raw", "people"]}


@pytest.fixture
def script(client):
    opened = client.open("script.shop.log", role="after", model="model.shop.scores")
    yield opened
    client.close(opened)


def rows(id: int, amount: int) -> pa.Table:
    return pa.table({"id": [id], "amount": [amount]})


def test_a_script_writes_a_source_at_once_and_keeps_its_table(script, job):
    assert script.write(rows(7, 1), end=True, **PEOPLE) == 1
    assert job.source("raw", "people").to_pydict() == {"id": [7], "amount": [1]}
    script.write(rows(8, 2), end=True, mode="append", **PEOPLE)
    assert job.source("raw", "people").to_pydict() == {"id": [7, 8], "amount": [1, 2]}
    with pytest.raises(GatewayError, match="broke off"):
        script.write(pa.table({"id": [9]}), **PEOPLE)
    assert job.source("raw", "people").num_rows == 2


def test_views_of_a_source_outlive_a_script(client, script, job):
    script.write(rows(7, 1), end=True, **PEOPLE)
    job.sql("create view rich as select id from raw_orders", raw=True)
    script.write(rows(8, 1), end=True, **PEOPLE)
    assert job.sql("select * from rich", raw=True).to_pydict() == {"id": [8]}
    if client.warehouse == "postgres":
        with pytest.raises(GatewayError, match="depend on it"):
            script.write(pa.table({"id": ["a"]}), end=True, **PEOPLE)
        assert job.sql("select * from rich", raw=True).to_pydict() == {"id": [8]}
        assert job.source("raw", "people").to_pydict() == {"id": [8], "amount": [1]}
    job.sql("drop view rich", raw=True)


def test_a_swap_that_was_cut_short_is_mended_by_the_next_write(client, job):
    """Simulates a process killed between the two renamings, on a warehouse without transactions."""
    client.write(pa.table({"x": [1]}))
    job.sql("alter table scores rename to scores__fal_backup", raw=True)
    writer = client.open()
    writer.write(pa.table({"x": [2]}))
    assert job.ref("scores").to_pydict() == {"x": [1]}
    client.close(writer)
    assert job.ref("scores").to_pydict() == {"x": [2]}


def test_what_a_killed_process_left_is_dropped(client, job):
    client.write(pa.table({"x": [1]}))
    job.sql("create table scores__fal_tmp (y int)", raw=True)
    client.write(pa.table({"x": [2]}))
    assert job.ref("scores").to_pydict() == {"x": [2]}
    assert left_over(client, job) == 0


def test_statements_of_scripts_are_committed(client, job):
    # DuckDB returns a column with the number of rows.
    assert job.sql("create table made (x int)", raw=True).num_columns in (0, 1)
    job.sql("insert into made values (1), (2)", raw=True)
    assert client.open().sql("select count(*) as n from made", raw=True).to_pydict() == {"n": [2]}
    job.sql("drop table made", raw=True)
    with pytest.raises(GatewayError, match="made"):
        job.sql("select * from made", raw=True)


def test_after_its_write_a_model_reads_its_own_rows(client):
    client.write(pa.table({"x": [1]}))
    for mode, expected in (("overwrite", [2]), ("append", [1, 2])):
        writer, other = client.open(), client.open()
        writer.write(pa.table({"x": [2]}), mode=mode)
        assert sorted(writer.ref("scores")["x"].to_pylist()) == expected
        found = sorted(writer.sql("select * from {{ ref('scores') }} as own")["x"].to_pylist())
        assert found == expected
        assert other.ref("scores").to_pydict() == {"x": [1]}
        for each in (writer, other):
            client.close(each, ok=False)
        assert client.open().ref("scores").to_pydict() == {"x": [1]}


def test_an_append_that_lacks_columns_says_so_when_it_is_read_again(client):
    client.write(pa.table({"x": [1], "y": [1]}))
    writer = client.open()
    writer.write(pa.table({"x": [2]}), mode="append")
    assert refusal(writer.ref, "scores").code == "gateway::own_table"
    client.close(writer, ok=False)
