"""A client for the gateway's requests of one job."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from fal_worker.errors import SessionError
from pyarrow import flight


class GatewayError(Exception):
    """The error as the user reads it."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code, self.message, self.help = error["code"], error["message"], error["help"]


def refusal(call: Callable[..., Any], *args: Any, **fields: Any) -> Any:
    """Returns the error of a call that the gateway, or one of its parts, refuses."""
    with pytest.raises((GatewayError, SessionError)) as caught:
        call(*args, **fields)
    return caught.value


class JobClient:
    """One job with its token.

    `id` and `unique_id` are the session's names of the job and its node.
    """

    def __init__(self, location: str, token: str, id: str = "", unique_id: str = "") -> None:
        self._client = flight.FlightClient(location)
        self.token, self.id, self.unique_id = token, id, unique_id

    def read(self, op: str, **fields: Any) -> pa.Table:
        with _decoded():
            return self.open(op, **fields).read_all()

    def open(self, op: str, **fields: Any) -> flight.FlightStreamReader:
        with _decoded():
            return self._client.do_get(flight.Ticket(self._command(op=op, **fields)))

    def ref(self, *args: str, version: Any = None) -> pa.Table:
        return self.read("ref", args=args, version=version)

    def source(self, *args: str) -> pa.Table:
        return self.read("source", args=args)

    def sql(self, sql: str, raw: bool = False) -> pa.Table:
        return self.read("sql", sql=sql, raw=raw)

    def write(self, table: pa.Table, *, end: bool = False, **fields: Any) -> int:
        """Writes a table. With `end`, says that it is whole, as writes that count at once need."""
        with _decoded():
            writer, reader = self.begin_write(table.schema, **fields)
            for batch in table.to_batches():
                writer.write_batch(batch)
            if end:
                writer.write_metadata(b"end")
            writer.done_writing()
            answer = reader.read()
            writer.close()
        return json.loads(answer.to_pybytes())["rows"]

    def begin_write(self, schema: pa.Schema, op: str = "write_to_model", **fields: Any) -> Any:
        """Starts a write; returns its stream of rows and its stream of answers."""
        command = self._command(op=op, **fields)
        return self._client.do_put(flight.FlightDescriptor.for_command(command), schema)

    def action(self, name: str, **fields: Any) -> Any:
        with _decoded():
            (result,) = self._client.do_action(flight.Action(name, self._command(**fields)))
        return json.loads(result.body.to_pybytes())

    def _command(self, **fields: Any) -> bytes:
        return json.dumps({"token": self.token, **fields}).encode()


@contextlib.contextmanager
def _decoded() -> Iterator[None]:
    try:
        yield
    except flight.FlightError as error:
        text = str(error)
        try:
            value = json.JSONDecoder().raw_decode(text[text.index("{") :])[0]
        except ValueError:
            raise error from None
        raise GatewayError(value) from None
