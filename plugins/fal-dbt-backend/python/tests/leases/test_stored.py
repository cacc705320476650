"""Tables that a runner hands on by itself, without the gateway.

They have the same rows in the same types as the gateway returns, or are not used.
"""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
from fal_worker.job.error import FalError
from fal_worker.job.request import Request
from fal_worker.remote.stored import Stored

from .conftest import LeaseClient

DAY = dt.datetime(2026, 1, 2, 3, 4, 5, 678901)
LISTS = {
    "id": pa.array([1, 2, 3]),
    "many": pa.array([[1, None], [], None], pa.large_list(pa.int32())),
}
TABLE = {
    "id": pa.array([1, 2, None], pa.int64()),
    "small": pa.array([1, -2, None], pa.int8()),
    "unsigned": pa.array([1, 2, None], pa.uint16()),
    "real": pa.array([1.5, float("nan"), None], pa.float32()),
    "double": pa.array([1.1, -0.0, None], pa.float64()),
    "text": pa.array(["a", "ü", None], pa.large_string()),
    "bytes": pa.array([b"a", b"", None], pa.large_binary()),
    "category": pa.array(["x", None, "x"]).dictionary_encode(),
    "flag": pa.array([True, False, None]),
    "day": pa.array([DAY.date(), None, DAY.date()], pa.date32()),
    "at": pa.array([DAY, None, DAY], pa.timestamp("us")),
    "instant": pa.array([DAY, None, DAY], pa.timestamp("us", "Europe/Berlin")),
    "clock": pa.array([DAY.time(), None, DAY.time()], pa.time64("us")),
    "amount": pa.array([Decimal("1.50"), None, Decimal("-2.25")], pa.decimal128(10, 2)),
    "nothing": pa.nulls(3),
}


class Store(dict):
    put = dict.__setitem__


def stored(client: LeaseClient, lent, store) -> Stored:
    """Returns the gateway's client of a job that runs in the runner's process."""
    token = lent.start().token
    name = lent.unique_id
    request = Request("j", "script", name, "a.py", "", ".", client.location, token, unique_id=name)
    return Stored(request, lent.lease, store)


def write(client: LeaseClient, store, batches, **command) -> None:
    lent = client.lend()
    gateway = stored(client, lent, store)
    gateway.write(batches, op="write_to_model", **command)
    gateway.ask("job_answer", ok=True, error=None)
    assert lent.settle()[1]["status"] == "success"
    gateway.hand_on()


@pytest.mark.parametrize("columns", [TABLE, LISTS], ids=["plain", "lists"])
def test_each_type_is_handed_on_as_the_gateway_gives_it_or_not_at_all(client: LeaseClient, columns):
    store = Store()
    table = pa.table(columns)
    write(client, store, table.to_reader())
    assert str(store["model.shop.scores"].to_pylist()) == str(table.to_pylist())
    lent = client.lend("grown")
    gateway = stored(client, lent, store)
    by_gateway = super(Stored, gateway).read_table(op="ref", args=["scores"], version=None)
    handed = gateway._from_store({"op": "ref", "args": ["scores"], "version": None})
    lent.settle()
    if columns is LISTS and client.warehouse == "postgres":
        assert handed is None  # Only an array's values tell how many dimensions it has.
        return
    assert handed.schema.equals(by_gateway.schema, check_metadata=True)
    assert str(handed.to_pylist()) == str(by_gateway.to_pylist())


def test_what_is_not_the_whole_table_of_a_declared_node_comes_from_the_gateway(client: LeaseClient):
    store = Store()
    write(client, store, pa.table({"id": [1, 2]}).to_reader())
    lent = client.lend("grown")
    gateway = stored(client, lent, store)
    # Replace the stored table by other rows to see which rows come from the store; then by tables
    # that don't fit the table's layout.
    store["model.shop.scores"] = pa.table({"id": [10]})
    assert gateway.read_table(op="ref", args=["scores"], version=None).to_pydict() == {"id": [10]}
    assert gateway.read(op="ref", args=["scores"], version=None).read_all().to_pydict() == {
        "id": [10]
    }
    assert gateway.read_table(
        op="relation", relation=lent.lease["inputs"][1]["relation"]
    ).to_pydict() == {"id": [10]}
    assert gateway.read_table(op="ref", args=["scores"], version=None, limit=1).num_rows == 1
    assert gateway.read_table(
        op="sql", sql="select id from {{ ref('scores') }} order by id"
    ).to_pydict() == {"id": [1, 2]}
    for strange in (pa.table({"id": [1.5]}), pa.table({"other": [1]}), pa.table({"id": ["x"]})):
        store["model.shop.scores"] = strange
        found = gateway.read_table(op="ref", args=["scores"], version=None)["id"].to_pylist()
        assert found == [1, 2]
    store["model.shop.orders"] = pa.table({"id": [1], "amount": [2]})
    with pytest.raises(FalError, match="no such node"):
        gateway.read_table(op="ref", args=["nonsense"], version=None)
    gateway.ask("job_answer", ok=False, error=None)
    lent.settle()


def test_only_whole_writes_in_types_of_their_own_are_kept(client: LeaseClient):
    for command in ({"mode": "append"}, {"dtype": {"id": {"sql": "double precision"}}}):
        store = Store()
        write(client, store, pa.table({"id": [3]}).to_reader(), **command)
        assert store == {}
    assert len(client.table("scores")) == 1


class Broken:
    def get(self, *_):
        raise OSError("no store")

    put = get


def test_a_store_that_fails_costs_time_only(client: LeaseClient, capfd):
    write(client, Broken(), pa.table({"id": [4]}).to_reader())
    lent = client.lend("grown")
    assert stored(client, lent, Broken()).read_table(
        op="ref", args=["scores"], version=None
    ).to_pydict() == {"id": [4]}
    assert "the runner's store failed in `get`: OSError: no store" in capfd.readouterr().err
    lent.settle()
