"""The Arrow Flight server in front of the gateway. Imports pyarrow, so it is imported late."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from fal_worker.errors import SessionError, from_exception

# Without this, gRPC logs failed connection attempts to the user's terminal. It reads the variable
# when it is imported.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from pyarrow import flight

from fal_worker.warehouse.interface import Reading

from .jobs import unknown

# The most characters of an error's text. Encoded twice, it has ten times as many bytes.
_LONGEST = 30_000

if TYPE_CHECKING:
    from .leases import RemoteGateway
    from .service import GatewayService


def serve(gateway: GatewayService | RemoteGateway, location: str) -> flight.FlightServerBase:
    server = FlightGateway(gateway, location)
    threading.Thread(target=server.serve, name="fal-gateway", daemon=True).start()
    return server


class FlightGateway(flight.FlightServerBase):
    """Every ticket, descriptor and action is JSON and carries the job's token."""

    def __init__(self, gateway: GatewayService | RemoteGateway, location: str) -> None:
        super().__init__(location, middleware={"calls": _Calls()})
        self._gateway = gateway

    def do_get(self, context: Any, ticket: flight.Ticket) -> flight.FlightDataStream:
        command = self._admitted(context, ticket.ticket)
        reading: Reading = self._call(self._gateway.read, command)
        return flight.GeneratorStream(reading.reader.schema, _stream(reading))

    def do_put(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> None:
        command = self._admitted(context, descriptor.command)
        rows = self._call(self._gateway.write, command, reader.schema, reader)
        writer.write(json.dumps({"rows": rows}).encode())

    def do_action(self, context: Any, action: flight.Action) -> Iterator[flight.Result]:
        body = self._admitted(context, action.body.to_pybytes(), action.type)
        answer = self._call(self._gateway.action, action.type, body)
        yield flight.Result(
            json.dumps(answer, ensure_ascii=False, default=str).encode(errors="replace")
        )

    def _admitted(
        self, context: Any, data: bytes | None, action: str | None = None
    ) -> dict[str, Any]:
        """The command of a call, if the caller is admitted."""
        command = _json(data)
        try:
            self._gateway.admit(context.peer(), action, command.get("token"))
        except SessionError as error:
            raise _flight_error(error) from None
        return command

    def _call(self, function: Callable[..., Any], *args: Any) -> Any:
        try:
            return self._gateway.call(function, *args)
        except Exception as error:  # noqa: BLE001 (raised again)
            raise _flight_error(error) from None


class _Calls(flight.ServerMiddlewareFactory):
    """Refuses the rest of Flight, which would answer with Python's traceback."""

    _KNOWN = (flight.FlightMethod.DO_GET, flight.FlightMethod.DO_PUT, flight.FlightMethod.DO_ACTION)

    def start_call(self, info: flight.CallInfo, headers: Any) -> None:
        if info.method not in self._KNOWN:
            raise _flight_error(unknown())


def _stream(reading: Reading) -> Iterator[Any]:
    """Streams a result. Flight closes the generator if the client goes away, which closes the
    result.
    """
    try:
        # Batch by batch, since Flight would garble an error that comes out of a reader. As readers,
        # for their dictionaries.
        for batch in reading.reader:
            yield pa.RecordBatchReader.from_batches(batch.schema, [batch])
    except GeneratorExit:
        raise
    except Exception as error:  # noqa: BLE001 (raised again)
        raise _flight_error(_broken_off(error)) from None
    finally:
        reading.close()


def _broken_off(error: Exception) -> Exception:
    """Turns an error of Arrow in the middle of a result into the database's error that caused it."""
    return (
        SessionError("gateway::database", str(error))
        if isinstance(error, (pa.ArrowException, OSError))
        else error
    )


def _cut(text: str) -> str:
    """Shortens an error. gRPC would drop one that exceeds its limit for headers, and report only
    that.
    """
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def _json(data: bytes | None) -> dict[str, Any]:
    """Parses JSON. Text that is no JSON object counts as one without a token."""
    try:
        value = json.loads(data or b"")
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}


def _flight_error(error: Exception) -> flight.FlightError:
    fields = from_exception(error).to_dict()
    # A text may hold half of a character, which has no bytes.
    data = (
        json.dumps(
            {name: _cut(text) if text else text for name, text in fields.items()},
            ensure_ascii=False,
        )
        .encode(errors="replace")
        .decode()
    )
    # gRPC adds text to the message, so the JSON also travels beside it.
    return flight.FlightServerError(data, extra_info=data.encode())
