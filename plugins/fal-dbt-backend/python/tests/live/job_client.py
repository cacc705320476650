"""A client for the gateway's requests of one job."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from pyarrow import flight


class GatewayError(Exception):
    """The error as the user reads it."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code, self.message, self.help = error["code"], error["message"], error["help"]


class JobClient:
    """One job with its token.

    `id` and `unique_id` are the session's names of the job and its node.
    """

    def __init__(self, location: str, token: str, id: str = "", unique_id: str = "") -> None:
        self._client = flight.FlightClient(location)
        self._token, self.id, self.unique_id = token, id, unique_id

    def read(self, op: str, **fields: Any) -> pa.Table:
        ticket = flight.Ticket(json.dumps({"token": self._token, "op": op, **fields}).encode())
        with _decoded():
            return self._client.do_get(ticket).read_all()

    def open(self, op: str, **fields: Any) -> flight.FlightStreamReader:
        ticket = flight.Ticket(json.dumps({"token": self._token, "op": op, **fields}).encode())
        with _decoded():
            return self._client.do_get(ticket)

    def ref(self, *args: str, version: Any = None) -> pa.Table:
        return self.read("ref", args=args, version=version)

    def source(self, *args: str) -> pa.Table:
        return self.read("source", args=args)

    def sql(self, sql: str, raw: bool = False) -> pa.Table:
        return self.read("sql", sql=sql, raw=raw)

    def write(self, table: pa.Table, op: str = "write_to_model", mode: str | None = None) -> int:
        command = {"token": self._token, "op": op, "mode": mode}
        descriptor = flight.FlightDescriptor.for_command(json.dumps(command).encode())
        with _decoded():
            writer, reader = self._client.do_put(descriptor, table.schema)
            for batch in table.to_batches():
                writer.write_batch(batch)
            writer.done_writing()
            answer = reader.read()
            writer.close()
        return json.loads(answer.to_pybytes())["rows"]

    def action(self, name: str) -> Any:
        with _decoded():
            (result,) = self._client.do_action(
                flight.Action(name, json.dumps({"token": self._token}).encode())
            )
        return json.loads(result.body.to_pybytes())


class _decoded:
    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, flight.FlightError):
            text = str(error)
            try:
                value = json.JSONDecoder().raw_decode(text[text.index("{") :])[0]
            except ValueError:
                return
            raise GatewayError(value) from None
