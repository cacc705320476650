"""Attempts at a lent model: only the last one counts, whatever an earlier one is doing."""

import contextlib
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from live.client import job_result
from live.job_client import GatewayError, refusal
from live.process import Refused
from pyarrow import flight

from .conftest import LeaseClient, Runner


def ids(*values: int) -> pa.Table:
    return pa.table({"id": pa.array(values, pa.int64())})


def fenced(job: Runner) -> None:
    """Asserts that the gateway refuses every request of the job's attempt."""
    for ask in (lambda: job.ref("orders"), lambda: job.write(ids(9)), lambda: job.action("list_models"), lambda: job.action("job_output"),
                lambda: job.action("job_answer", ok=True)):  # fmt: skip
        assert refusal(ask).code == "gateway::token"


def test_a_lease_says_what_it_reads_and_writes(client: LeaseClient):
    scores, grown = client.lend(), client.lend("grown")
    assert [entry["unique_id"] for entry in scores.lease["inputs"]] == ["model.shop.orders"]
    assert "orders" in scores.lease["inputs"][0]["relation"]
    assert "scores" in scores.lease["output"]
    assert scores.lease["output_is_rows"] is True
    assert grown.lease["output_is_rows"] is False
    for lent in (scores, grown):
        assert lent.settle()[0]["attempts"] == 0


def test_a_port_that_is_taken_is_named(client: LeaseClient):
    place = client.location.rpartition("/")[2]
    with pytest.raises(Refused) as caught:
        where = {"host": "127.0.0.1", "port": int(place.rpartition(":")[2])}
        client.session.ask("gateway_listen", **where, certificate=None, key=None)
    assert caught.value.code == "gateway::listen"
    assert caught.value.message.startswith(f"the data gateway cannot listen at {place} for runners")


def test_nothing_is_listed(client: LeaseClient):
    lent = client.lend()
    flight_client = lent.start()._client
    for ask in (flight_client.list_actions, flight_client.list_flights):
        with pytest.raises((pa.ArrowException, NotImplementedError)):
            list(ask())
    lent.settle()


@pytest.mark.parametrize("name", ["scores", "grown"])
def test_a_new_attempt_undoes_the_one_before_it(client: LeaseClient, name: str):
    lent = client.lend(name)
    first = lent.start()
    assert first.write(ids(1, 2, 3)) == 3
    second = lent.start()
    fenced(first)
    second.action("job_output", lines=[["stdout", "two"], ["stderr", "lines\r\n"]])
    second.write(ids(1, 5))
    second.action("job_answer", ok=True)
    fenced(second)
    settled, result = lent.settle()
    assert settled["attempts"] == 2
    assert settled["answer"] == {"ok": True, "error": None}
    assert settled["wrote"] is True
    assert settled["seconds"] >= 0 and (result["status"], result["rows_affected"]) == (
        "success",
        2,
    ), result
    assert client.table(name) == [(1,), (5,)]
    with pytest.raises(GatewayError, match="does not know this token"):
        lent.start()
    output = [event for event in client.session.events if event["event"] == "output"]
    assert output[-1] == {
        "event": "output",
        "unique_id": lent.unique_id,
        "lines": [["stdout", "two"], ["stderr", "lines"]],
    }


@pytest.mark.parametrize("name", ["scores", "grown"])
def test_an_attempt_in_the_middle_of_its_write_is_fenced(client: LeaseClient, name: str):
    lent = client.lend(name)
    writer = lent.start().open_write(ids(*range(1000)))
    second = lent.start()  # Returns, since the rows of the first attempt are no longer awaited.
    second.write(ids(7, 8))
    second.action("job_answer", ok=True)
    with pytest.raises(flight.FlightError):
        while True:
            writer.write_table(ids(*range(100_000)))
    assert lent.settle()[1]["status"] == "success"
    rows = client.table(name)
    assert (
        rows == [(7,), (8,)] if name == "scores" else {(7,), (8,)} <= set(rows) and len(rows) < 10
    )


@pytest.mark.parametrize("name", ["scores", "grown"])
def test_of_many_attempts_at_once_one_counts(client: LeaseClient, name: str):
    lent = client.lend(name)
    done: list[int] = []

    def attempt(mark: int) -> None:
        with contextlib.suppress(GatewayError, flight.FlightError):
            job = lent.start()
            job.ref("orders")
            job.write(
                pa.table({"id": range(mark * 1000, mark * 1000 + 500), "mark": [mark] * 500}),
                mode="overwrite",
            )
            job.action("job_answer", ok=True)
            done.append(mark)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(attempt, range(24)))
    settled, result = lent.settle()
    assert settled["attempts"] == 24 and settled["wrote"] == settled["answer"]["ok"] == (
        result["status"] == "success"
    ), result
    marks = client.query(f"select mark, count(*) from {name} group by mark")
    assert len(marks) == 1 and marks[0][1] == 500 and marks[0][0] in done


def test_a_write_that_counts_at_once_is_whole_or_not_at_all(client: LeaseClient):
    lent = client.lend()
    first = lent.start()
    writer = first.open_write(ids(1), op="write_to_source", args=["out", "log"], mode="append")
    second = lent.start()
    with pytest.raises(flight.FlightError):
        writer.write_metadata(b"end")
        writer.close()
    writer = second.open_write(ids(2), op="write_to_source", args=["out", "log"], mode="append")
    writer.write_metadata(b"end")
    writer.close()
    assert lent.settle()[0]["wrote"] is False
    # This write was committed at once, so the end of the lease does not undo it.
    assert client.query("select * from side.log") == [(2,)]


def test_a_read_under_way_ends_with_its_attempt(client: LeaseClient):
    lent = client.lend()
    many = ", ".join(f"orders o{n}" for n in range(12))
    stream = lent.start().open("sql", sql=f"select repeat('x', 500) as t from {many}", raw=True)
    stream.read_chunk()
    second = lent.start()
    with pytest.raises(flight.FlightError, match="attempt of the job has ended"):
        while True:
            stream.read_chunk()
    second.write(ids(1))
    error = {"kind": "exception", "message": "boom", "traceback": None}
    frame = {"file": "models/scores.ipynb", "cell": 2, "line": 3, "text": "boom()"}
    second.action(
        "job_answer",
        ok=False,
        error={**error, "frames": [{**frame, "more": 1}, {"line": 1}, 7], "more": 1},
    )
    settled, result = lent.settle()
    assert settled["answer"] == {"ok": False, "error": {**error, "frames": [frame]}}
    assert result["status"] == "error"


def test_without_an_answer_nothing_stays(client: LeaseClient):
    before = client.table("scores")
    lent = client.lend()
    attempt = lent.start()
    attempt.write(ids(66))
    settled, _ = lent.settle(ok=False)
    assert (settled["attempts"], settled["answer"], settled["wrote"]) == (1, None, False)
    fenced(attempt)
    assert client.table("scores") == before
    # The attempt answers that it succeeded, but the supervisor closes the job as failed.
    lent = client.lend()
    attempt = lent.start()
    attempt.write(ids(67))
    attempt.action("job_answer", ok=True)
    lent.settle(ok=False)
    assert client.table("scores") == before


def test_an_attempt_after_an_answer_takes_its_place(client: LeaseClient):
    lent = client.lend()
    first = lent.start()
    first.write(ids(1))
    first.action("job_answer", ok=True)
    second = lent.start()
    assert client.session.ask("job_settle", job=lent.id)["answer"] is None
    fenced(second)
    assert lent.settle()[1]["status"] == "error"


def test_tokens_are_good_for_their_own_lease_and_door(client: LeaseClient):
    client.session.ask(
        "job_open", job="here", token="of-this-machine", unique_id="model.shop.grown"
    )
    lent = client.lend()
    for token in ("", "wrong", "of-this-machine", lent.token, None):
        stranger = Runner(client.location, token)
        for ask in (
            lambda: stranger.ref("orders"),
            lambda: stranger.action("list_models"),
            lambda: stranger.action("job_output"),
        ):
            assert refusal(ask).code == "gateway::token"
    for token in ("", "of-this-machine"):
        with pytest.raises(GatewayError, match="does not know this token"):
            Runner(client.location, token).start()
    # The session's own gateway accepts both tokens.
    assert Runner(client.session.location, "of-this-machine").ref("orders").num_rows == 3
    inside = Runner(client.session.location, lent.token).start()
    assert inside.ref("orders").num_rows == 3
    with pytest.raises(GatewayError, match="`lines` is a list of pairs"):
        inside.action("job_output", lines=[["stdin", "x"]])
    lent.settle()
    closed = job_result("model.shop.grown", ok=False)
    client.session.ask("job_close", job="here", ok=False, result=closed)
    events = str(client.session.events)
    assert lent.token not in events and "of-this-machine" not in events


def test_the_client_of_the_documentation_runs(client: LeaseClient):
    page = Path(__file__).resolve().parents[5] / "docs/plugins/leases.md"
    (code,) = re.findall(r"```python\n# attempt.py\n(.*?)```", page.read_text(), re.DOTALL)
    namespace: dict = {}
    exec(code, namespace)
    lent = client.lend()
    place = {"location": client.location, "certificate": None}
    namespace["run"]({**place, "token": lent.token}, namespace["first_two_orders"])
    assert lent.settle()[1]["rows_affected"] == 2
    lent = client.lend()
    read = lambda attempt: attempt.read(op="ref", args=["x"])
    namespace["run"]({**place, "token": lent.token}, read)
    assert "no such node" in lent.settle()[0]["answer"]["error"]["message"]


def test_a_dbt_native_model_is_delivered_once(client: LeaseClient):
    jobs: list[dict] = []
    client.session.on_python_job = jobs.append
    node = client.session.send("run", unique_id="model.shop.native")
    while not jobs:
        assert not node.done(), node.result()
    job = jobs[0]
    lease_facts = client.session.ask("job_lend", job=job["job"])
    assert (lease_facts["output_is_rows"], "native" in lease_facts["output"]) == (True, True)
    lease = Runner(client.location, job["token"])
    lease.start().write(ids(1, 2, 3), op="write_relation")
    writer = lease.start().open_write(ids(4), op="write_relation")
    third = lease.start()
    third.write(ids(5, 6), op="write_relation")
    third.action("job_answer", ok=True)
    with pytest.raises(flight.FlightError):
        while True:
            writer.write_table(ids(*range(100_000)))
    assert client.session.ask("job_settle", job=job["job"])["wrote"] is True
    client.session.ask("python_job_done", job=job["job"], ok=True, error=None)
    result = node.result(60)
    assert (result["status"], result["rows_affected"]) == ("success", 2), result
    assert client.table("native") == [(5,), (6,)]


def test_the_end_of_the_run_ends_its_leases(client: LeaseClient):
    """Must be the last test: it cancels the session."""
    lent, never = client.lend(), client.lend("grown")
    attempt = lent.start()
    writer = attempt.open_write(ids(1))
    assert attempt.action("job_output") == {"stop": False}
    answers: list[dict] = []
    waits = threading.Thread(target=lambda: answers.append(attempt.action("job_output", wait=5)))
    waits.start()
    client.session.ask("cancel")
    waits.join()
    assert [*answers, attempt.action("job_output")] == [{"stop": True}] * 2
    assert refusal(never.start).code == "gateway::cancelled"
    assert lent.settle()[1]["status"] == "error"
    with pytest.raises(flight.FlightError):
        while True:
            writer.write_table(ids(*range(100_000)))
    # The lease of `grown` is still open.
    assert client.session.finish(interrupted=True)["artifacts_written"]
