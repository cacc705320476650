"""Clients without a token that reach the lease gateway's port: what they can send, and the answers."""

import contextlib
import json
import socket
from pathlib import Path

import pyarrow as pa
import pytest
from live.job_client import refusal
from pyarrow import flight

from .conftest import LeaseClient, Runner


@pytest.fixture(scope="module", autouse=True)
def impatient():
    """Shortens the time that a connection has to show a token."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAL_TEST_QUICK", "fal_worker.gateway.front.PATIENCE=3")
        yield


MESSAGE = "The gateway does not know this token, or its job has ended"
PLAIN = {"code": "gateway::token", "message": MESSAGE, "help": None}
BIG = 200 << 20
DEEP = b'{"token": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
TOKENS = [None, "", "x", 7, [], {}, True, "\ud800", "x" * 100_000]
BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"x"',
    b"\xff\xfe",
    DEEP,
    *(json.dumps({"token": token}).encode() for token in TOKENS),
]


def heard(ask) -> dict:
    """The error of a call."""
    # Some of Flight's calls raise Arrow's errors for the same answer.
    with pytest.raises((pa.ArrowException, OSError)) as caught:
        ask()
    text = str(caught.value)
    assert "Traceback" not in text and ".py" not in text and "File " not in text, text
    # A stream that is refused while its schema is being sent ends without a message.
    return json.JSONDecoder().raw_decode(text[text.index("{") :])[0] if "{" in text else PLAIN


def put(flight_client: flight.FlightClient, descriptor: flight.FlightDescriptor) -> None:
    writer, _ = flight_client.do_put(descriptor, pa.schema([("id", pa.int64())]))
    with contextlib.suppress(pa.ArrowException, OSError):
        writer.write_table(pa.table({"id": [1]}))
    writer.close()


def exchange(flight_client: flight.FlightClient) -> None:
    _, reader = flight_client.do_exchange(flight.FlightDescriptor.for_command(b"{}"))
    reader.read_chunk()


def test_all_calls_of_strangers_get_one_answer(client: LeaseClient):
    client.lend()
    flight_client = flight.FlightClient(client.location)
    asks = [
        lambda: list(flight_client.list_flights()),
        lambda: list(flight_client.list_actions()),
        lambda: flight_client.get_flight_info(flight.FlightDescriptor.for_path("x")),
        lambda: flight_client.get_schema(flight.FlightDescriptor.for_command(b"x")),
        lambda: exchange(flight_client),
        lambda: put(flight_client, flight.FlightDescriptor.for_path("a", "b")),
    ]
    for body in BODIES:
        asks += [
            lambda body=body: list(flight_client.do_action(flight.Action("job_start", body))),
            lambda body=body: list(flight_client.do_action(flight.Action("no such action", body))),
            lambda body=body: flight_client.do_get(flight.Ticket(body)),
            lambda body=body: put(flight_client, flight.FlightDescriptor.for_command(body)),
        ]
    answers = [heard(ask) for ask in asks]
    assert len(answers) > 60 and {json.dumps(answer) for answer in answers} == {json.dumps(PLAIN)}


def test_half_a_character_is_refused_by_name(client: LeaseClient):
    lent = client.lend()
    attempt = lent.start()
    for asked in (
        {"op": "sql", "sql": "select '\ud800'"},
        {"op": "ref", "args": ["\ud800"]},
        {"op": "\ud800"},
    ):
        error = refusal(attempt.read, **asked)
        assert error.code in ("gateway::text", "gateway::unknown", "gateway::op")
    lent.settle()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_body_is_not_taken_before_its_token_is_known(client: LeaseClient):
    lent = client.lend()
    attempt = lent.start()
    attempt.write(pa.table({"id": [1]}))
    attempt.action("job_answer", ok=True)
    lent.settle()
    before = client.session.peak_memory()
    # One client never had a token; the other's lease has ended on the same connection.
    for flight_client in (flight.FlightClient(client.location), attempt._client):
        options = flight.FlightCallOptions(timeout=60)
        body = b'{"token": "x", "pad": "' + b"y" * BIG + b'"}'
        with pytest.raises(pa.ArrowException):
            list(flight_client.do_action(flight.Action("job_start", body), options))
    assert client.session.peak_memory() - before < BIG // 4


def test_who_has_a_token_may_send_much(client: LeaseClient):
    lent = client.lend()
    first = lent.start()
    first.action("job_output", lines=[])
    first.action("job_output", lines=[["stdout", "x" * 100_000]] * 50)
    # A connection whose first call is a long stream.
    second = Runner(client.location, first.token)
    found = second.write(pa.table({"id": range(1_000_000), "text": ["y" * 20] * 1_000_000}))
    assert found == 1_000_000
    second.action("job_answer", ok=True)
    assert lent.settle()[1]["status"] == "success"


def test_who_says_nothing_is_sent_away(client: LeaseClient):
    place = client.location.rpartition("/")[2].rpartition(":")
    idle = [socket.create_connection((place[0], int(place[2]))) for _ in range(80)]
    for connection in idle:
        connection.settimeout(90)
    # These are more than may wait at a time. The rest, and a lease, are served once they are
    # dropped.
    lent = client.lend()
    assert lent.start().ref("orders").num_rows == 3
    for connection in idle:
        with contextlib.suppress(ConnectionError):
            while connection.recv(4096):
                pass
        connection.close()
    lent.settle()
