"""Tables that models write: written completely or not at all, and replaced as dbt replaces its own."""

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from live.job_client import GatewayError, refusal

ONE, TWO = pa.table({"x": [1]}), pa.table({"x": [2]})


def leftovers(client) -> list[tuple]:
    return client.query("select relname from pg_class where relname like 'fal%'")


def test_the_result_reads_as_dbts_do(client, database, job):
    result = client.write(pa.table({"x": [1, None]}))
    assert (result["rows_affected"], result["message"]) == (2, "SELECT 2")
    assert result["relation_name"] == f'"{database.name}"."public"."scores"'
    assert job.ref("scores").to_pydict() == {"x": [1, None]}
    assert client.session.run("model.shop.report")["status"] == "success"


def test_nothing_is_seen_before_the_job_is_closed_and_the_old_table_stays_readable(client, job):
    client.write(ONE)
    writer = client.open()
    writer.write(TWO)
    assert job.ref("scores").to_pydict() == {"x": [1]}
    assert writer.ref("scores").to_pydict() == {"x": [2]}
    client.close(writer)
    assert (job.ref("scores").to_pydict(), leftovers(client)) == ({"x": [2]}, [])


def test_a_job_that_fails_leaves_the_old_table(client, job):
    client.write(ONE)
    writer = client.open()
    writer.write(TWO)
    assert client.close(writer, ok=False)["status"] == "error"
    with pytest.raises(GatewayError, match="NUL"):
        client.write(pa.table({"x": ["\0"]}))
    assert (job.ref("scores").to_pydict(), leftovers(client)) == ({"x": [1]}, [])


@pytest.mark.parametrize("kind", ["view", "materialized view"])
def test_what_has_the_name_is_replaced(client, job, kind):
    client.query("drop table if exists scores cascade")
    client.query(f"create {kind} scores as select 0 as old")
    writer = client.open()
    writer.write(ONE)
    client.close(writer, ok=False)
    assert job.ref("scores").to_pydict() == {"old": [0]}
    client.write(ONE)
    assert job.ref("scores").to_pydict() == {"x": [1]}


def test_what_dbt_does_not_replace_is_left_alone(client):
    client.query("drop table if exists scores cascade; create sequence scores")
    error = refusal(client.write, ONE)
    assert error.code == "gateway::other_kind"
    assert "is a sequence" in error.message
    client.query("drop sequence scores")


def test_schema_and_alias(client, database, job):
    expected = f'"{database.name}"."public_side"."renamed"'
    assert client.write(ONE, "model.shop.other")["relation_name"] == expected
    assert client.query("select x from public_side.renamed") == [(1,)]


def test_awkward_columns(client, job):
    names = ["a b", 'q"t', "ünï", "select", "a;--", "%s", "Aa", "aA"]
    client.write(pa.table({name: [1] for name in names}))
    assert job.ref("scores").column_names == names
    for wrong in (["x" * 64], ["x", "x"], [""]):
        error = refusal(client.write, pa.table([[1]] * len(wrong), names=wrong))
        assert error.code == "gateway::column_name"
    assert refusal(client.write, pa.table({})).code == "gateway::no_columns"


def test_append(client, job):
    client.write(pa.table({"x": [1], "y": ["a"]}))
    client.write(pa.table({"y": ["b"], "x": [2]}), mode="append")
    client.write(pa.table({"x": pa.nulls(1)}), mode="append")
    assert job.ref("scores").to_pydict() == {"x": [1, 2, None], "y": ["a", "b", None]}
    for table, said in (
        (pa.table({"z": [1]}), "has no column `z`"),
        (pa.table({"x": ["no"]}), "is of type bigint"),
    ):
        with pytest.raises(GatewayError, match=said):
            client.write(table, mode="append")
    assert (job.ref("scores").num_rows, leftovers(client)) == (3, [])


def test_append_makes_a_table_and_not_a_view(client, job):
    client.query("drop table if exists scores cascade")
    client.write(ONE, mode="append")
    assert job.ref("scores").to_pydict() == {"x": [1]}
    client.query("drop table scores cascade; create view scores as select 1 as x")
    with pytest.raises(GatewayError, match="is a view: nothing can be appended"):
        client.write(ONE, mode="append")
    client.query("drop view scores")


def test_types_that_the_user_names(client):
    numeric = {"names": ["NUMERIC", "Numeric"], "precision": 5, "scale": 1}
    types = {"x": {"sql": "integer"}, "y": numeric}
    client.write(pa.table({"x": ["1", None], "y": [1, 2]}), mode="overwrite", dtype=types)
    kinds = "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'scores'::regclass and attnum > 0"
    assert client.query(kinds) == [("integer",), ("numeric(5,1)",)]
    with pytest.raises(GatewayError, match='invalid input syntax for type integer: "b"'):
        client.write(pa.table({"x": ["b"]}), mode="overwrite", dtype={"x": {"sql": "integer"}})


def test_many_jobs_and_nodes_at_once(client):
    def one(n):
        writer = client.open("model.shop.scores" if n % 2 else "model.shop.other")
        assert writer.ref("orders").num_rows > 0
        writer.write(pa.table({"x": [n]}))
        return client.close(writer)["status"]

    nodes = [
        client.session.send("run", unique_id=uid)
        for uid in ("model.shop.seen", "model.shop.report")
    ]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(24))) == {"success"}
    assert {node.result(60)["status"] for node in nodes} <= {"success", "error"}
    assert (len(client.query("select * from scores")), leftovers(client)) == (1, [])


def test_extension_types_are_not_taken_by_their_storage(client):
    field = pa.field("x", pa.int64(), metadata={"ARROW:extension:name": "pandas.period"})
    error = refusal(client.write, pa.table([[648]], schema=pa.schema([field])))
    assert error.code == "gateway::type"
    assert "`x` has the Arrow extension type `pandas.period`" in error.message
