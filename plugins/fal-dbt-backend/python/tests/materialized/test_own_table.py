"""A model that reads its own table after its write: it sees the new rows before everybody else."""

import pyarrow as pa
import pytest
from live.job_client import GatewayError, refusal

OLD = pa.table({"id": [1, 2], "v": ["a", "b"]})
NEW = pa.table({"id": [2, 3], "v": ["B", "C"]})


def rows(table: pa.Table) -> list[tuple]:
    return sorted(tuple(row.values()) for row in table.to_pylist())


def seen(job, name: str) -> list[list[tuple]]:
    """Reads the model's table in every possible way."""
    by_sql = job.sql(f"select own.* from {{{{ ref('{name}') }}}} as own")
    return [
        rows(job.ref(name)),
        rows(job.read("ref", args=[name], columns=["id", "v"], where="id > 0", limit=9)),
        rows(by_sql),
    ]


def by_this(job) -> list[tuple]:
    return rows(job.sql("select * from {{ this }} as own"))


@pytest.mark.parametrize(
    ("name", "mode", "expected"),
    [
        ("own_table", None, NEW),
        ("own_table", "append", pa.concat_tables([OLD, NEW])),
        ("own_hooked", None, NEW),
        ("own_appended", None, pa.concat_tables([OLD, NEW])),
        ("own_plain", None, pa.concat_tables([OLD, NEW])),
        ("own_merged", "overwrite", NEW),
    ],
)
def test_after_its_write_a_model_reads_its_new_table(client, name, mode, expected):
    assert client.python(name, OLD, mode and "overwrite")["status"] == "success"
    job = client.open(f"model.shop.{name}")
    assert seen(job, name) == [rows(OLD)] * 3
    job.write(NEW, mode=mode)
    assert seen(job, name) == [rows(expected)] * 3
    if name in ("own_appended", "own_plain"):
        with pytest.raises(GatewayError, match="they are in two tables"):
            by_this(job)
    else:
        assert by_this(job) == rows(expected)
    # Everybody else still sees the old table, and a failure leaves it unchanged.
    assert sorted(client.query(f"select * from {name}")) == rows(OLD)
    client.close(job, ok=False)
    assert sorted(client.table(name)[1]) == rows(OLD)
    # The rows read before are those of the table after the commit.
    job = client.open(f"model.shop.{name}")
    job.write(NEW, mode=mode)
    was_read = rows(job.ref(name))
    assert client.close(job)["status"] == "success"
    assert sorted(client.table(name)[1]) == was_read == rows(expected)
    assert client.left_over() == []


def test_the_first_run_reads_itself_too(client):
    for name in ("own_stored", "own_keyed"):
        job = client.open(f"model.shop.{name}")
        job.write(NEW)
        assert [*seen(job, name), by_this(job)] == [rows(NEW)] * 4
        client.close(job, ok=False)
        assert client.table(name) == ([], [])


@pytest.mark.parametrize(
    ("name", "mode"),
    [("own_merged", None), ("own_replaced", None), ("own_keyed", None), ("customized", None)],
)
def test_what_dbt_merges_later_is_refused(client, name, mode):
    client.python(name, OLD)
    job = client.open(f"model.shop.{name}")
    job.write(NEW, mode=mode)
    for read in (
        lambda: job.ref(name),
        lambda: job.sql("select * from {{ this }}"),
        lambda: job.sql(f"select * from {{{{ ref('{name}') }}}}"),
    ):
        error = refusal(read)
        assert error.code == "gateway::own_table"
        assert "after its write" in error.message
    client.close(job, ok=False)


def test_a_stream_of_it_may_be_left_half_read(client):
    """A reader that is never closed does not block the write."""
    big = pa.table({"id": list(range(200_000)), "v": ["x" * 50] * 200_000})
    job = client.open("model.shop.own_table")
    job.write(big)
    half_read = job.open("ref", args=["own_table"])
    half_read.read_chunk()
    assert job.sql("select count(*) as n from {{ this }}").to_pylist() == [{"n": 200_000}]
    assert client.close(job)["status"] == "success"
    assert client.query("select count(*) from own_table") == [(200_000,)]


def test_an_error_in_such_a_read_leaves_the_write(client):
    job = client.open("model.shop.own_table")
    job.write(NEW)
    with pytest.raises(GatewayError):
        job.sql("select nothing_of_that_name from {{ this }}")
    assert rows(job.ref("own_table")) == rows(NEW)
    assert client.close(job)["status"] == "success"
    assert client.table("own_table")[1] == rows(NEW)
