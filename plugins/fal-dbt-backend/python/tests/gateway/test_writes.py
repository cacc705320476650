"""How a model's frame becomes its table."""

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from live.job_client import GatewayError, refusal


def test_nothing_is_seen_before_the_job_is_closed(client, job):
    client.write(pa.table({"x": [1]}))
    writer = client.open()
    writer.write(pa.table({"x": [2]}))
    assert job.ref("scores").to_pydict() == {"x": [1]}
    client.close(writer)
    assert job.ref("scores").to_pydict() == {"x": [2]}


def test_a_job_that_fails_leaves_the_old_table(client, job):
    client.write(pa.table({"x": [1]}))
    writer = client.open()
    writer.write(pa.table({"x": [2]}))
    failed = client.close(writer, ok=False)
    assert failed["status"] == "error"
    assert failed.get("rows_affected") is None
    assert job.ref("scores").to_pydict() == {"x": [1]}


def test_a_second_write_is_refused(client):
    writer = client.open()
    writer.write(pa.table({"x": [1]}))
    assert refusal(writer.write, pa.table({"x": [2]})).code == "gateway::second_write"
    assert client.close(writer)["rows_affected"] == 1


def test_a_closed_job_can_do_nothing(client):
    writer = client.open()
    client.close(writer, ok=False)
    assert refusal(writer.write, pa.table({"x": [1]})).code == "gateway::token"


def test_a_view_of_the_name_is_replaced(client, job):
    job.sql("drop table if exists scores", raw=True)
    job.sql("create view scores as select 0 as old", raw=True)
    writer = client.open()
    writer.write(pa.table({"x": [3]}))
    client.close(writer, ok=False)
    assert job.ref("scores").to_pydict() == {"old": [0]}
    client.write(pa.table({"x": [3]}))
    assert job.ref("scores").to_pydict() == {"x": [3]}


def test_the_result_reads_as_dbts_do(client):
    result = client.write(pa.table({"x": [1, 2]}))
    assert result["message"] == "SELECT 2"
    expected = {"_message": "SELECT 2", "code": "SELECT", "rows_affected": 2}
    assert result["adapter_response"] == expected
    assert result["relation_name"] == '"shop"."main"."scores"'


def test_dbts_downstream_sees_every_new_table(client):
    for rows in (1, 2):
        client.write(pa.table({"x": list(range(rows))}))
        assert client.session.run("model.shop.report")["status"] == "success"
    with pytest.raises(GatewayError):
        client.open().ref("report")
    assert (
        client.session.ask("compile", sql="{{ ref('scores') }}")["sql"] == '"shop"."main"."scores"'
    )


def test_awkward_columns(client, job):
    names = ["a b", 'q"t', "ünï", "select", "a;--"]
    client.write(pa.table({name: [1] for name in names}))
    assert job.ref("scores").column_names == names


def test_many_jobs_and_nodes_at_once(client):
    def one(n):
        writer = client.open("model.shop.scores" if n % 2 else "model.shop.elsewhere")
        assert writer.ref("orders").num_rows == 3
        return client.close(writer, ok=False)["status"], client.session.ask(
            "compile", sql="{{ ref('orders') }}"
        )["sql"]

    nodes = [
        client.session.send("run", unique_id=uid)
        for uid in ("model.shop.orders", "model.shop.unrelated", "seed.shop.raw_orders")
    ]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(24)))
    assert set(answers) == {("error", '"shop"."main"."orders"')}
    assert {n.result(60)["status"] for n in nodes} == {"success"}


def test_a_stream_of_many_batches(client, job):
    batches = [
        pa.record_batch({"i": pa.array(range(n * 1000, (n + 1) * 1000))}) for n in range(200)
    ]
    assert client.write(pa.Table.from_batches(batches))["rows_affected"] == 200_000
    assert job.sql("select sum(i)::bigint as s from {{ ref('scores') }}").to_pydict() == {
        "s": [199_999 * 100_000]
    }


def test_wrong_commands_are_refused(client):
    writer = client.open()
    assert refusal(writer.write, pa.table({"x": [1]}), op="write_relation").code == "gateway::op"
    client.close(writer, ok=False)
