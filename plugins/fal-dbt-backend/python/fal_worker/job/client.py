"""The job's side of the data gateway: Arrow Flight, with the gateway's errors as `FalError`."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import timing
from .error import FalError

if TYPE_CHECKING:
    import pyarrow
    from pyarrow import flight

# Metadata at the end of a whole stream.
END = b"end"
# Bytes of a command that the gateway for runners does not take as the first of a connection.
_LARGE = 1 << 19


def connect(
    location: str, certificate: str | None = None, server_name: str | None = None
) -> flight.FlightClient:
    """Returns a client that trusts only `certificate` (PEM), which is valid for `server_name`
    whatever the host's name.
    """
    from pyarrow import flight

    # The gateway is never behind the proxy that a machine has for the Internet.
    # Errors come in headers, of which gRPC takes 8 kB; the gateway cuts them to less than this.
    options: dict[str, Any] = {
        "generic_options": [("grpc.enable_http_proxy", 0), ("grpc.max_metadata_size", 1 << 20)]
    }
    if certificate is not None:
        options["tls_root_certs"] = certificate.encode()
    if server_name is not None:
        options["override_hostname"] = server_name
    return flight.FlightClient(location, **options)


class GatewayClient:
    """Connects at first use. gRPC hangs in a process that the user forked, so only the job's own
    may ask.
    """

    def __init__(
        self,
        location: str,
        token: str,
        certificate: str | None = None,
        server_name: str | None = None,
    ) -> None:
        self._way = (location, certificate, server_name)
        self._away = _away(location)
        self._token = token
        self._process = os.getpid()
        self._client: flight.FlightClient | None = None
        self.steps = timing.Steps()

    def read(self, **command: Any) -> pyarrow.RecordBatchReader:
        """Streams the result of `command` (an op with its arguments).

        Its step ends when the stream begins: the rows come while the model's code takes them.
        """
        import pyarrow
        from pyarrow import flight

        with self.steps.timed(timing.read(command)), plain_errors(self._away):
            stream = self._connection().do_get(flight.Ticket(self._command(command)))
            return pyarrow.RecordBatchReader.from_batches(
                stream.schema, _batches(stream, self._away)
            )

    def read_table(self, **command: Any) -> pyarrow.Table:
        """Reads the whole result at once."""
        from pyarrow import flight

        with self.steps.timed(timing.read(command)), plain_errors(self._away):
            return self._connection().do_get(flight.Ticket(self._command(command))).read_all()

    def write(
        self, batches: pyarrow.RecordBatchReader, final: bool = False, **command: Any
    ) -> None:
        """Sends a stream; returns when the gateway has taken all of it.

        A `final` write counts at once, so the stream says that it is whole: one that breaks off
        looks ended to the gateway, too.
        """
        from pyarrow import flight

        with self.steps.timed(timing.write(command)):
            with plain_errors(self._away):
                descriptor = flight.FlightDescriptor.for_command(self._command(command))
                writer, _ = self._connection().do_put(descriptor, batches.schema)
            _send(writer, batches, END if final else None, self._away)

    def ask(self, action: str, **body: Any) -> Any:
        """Returns the JSON answer of an action."""
        from pyarrow import flight

        with plain_errors(self._away):
            results = self._connection().do_action(flight.Action(action, self._command(body)))
            return json.loads(b"".join(result.body.to_pybytes() for result in results) or b"null")

    def _command(self, command: dict[str, Any]) -> bytes:
        data = json.dumps({"token": self._token, **command}).encode()
        if len(data) > _LARGE and not self._way[0].startswith("grpc+unix:"):
            # A connection that has shown no token yet may send little. It may be a new one at any
            # time.
            self.ask("job_output", lines=[])
        return data

    def _connection(self) -> flight.FlightClient:
        if self._process != os.getpid():
            raise FalError(
                "fal: a process that the model started cannot read or write relations",
                help="Do it in the model itself, and hand the rows to the process.",
            )
        if self._client is None:
            self._client = connect(*self._way)
        return self._client


def _away(location: str) -> str:
    """The message for a gateway that does not answer."""
    if location.startswith("grpc+unix:"):
        return "the data gateway does not answer: the dbt session has ended"
    return f"the data gateway at {location} does not answer: the run has ended, or the network is broken"


def _batches(stream: flight.FlightStreamReader, away: str) -> Iterator[pyarrow.RecordBatch]:
    while True:
        with plain_errors(away):
            try:
                chunk = stream.read_chunk()
            except StopIteration:
                return
        if chunk.data is not None:
            yield chunk.data


def _send(
    writer: flight.FlightStreamWriter,
    batches: pyarrow.RecordBatchReader,
    end: bytes | None,
    away: str,
) -> None:
    """An error of the gateway shows only when the stream is closed; one of the user's data must not
    be hidden by it.
    """
    import pyarrow

    refused = False
    try:
        for batch in batches:
            try:
                writer.write_batch(batch)
            except pyarrow.ArrowException:
                refused = True
                break
        if end is not None and not refused:
            with contextlib.suppress(pyarrow.ArrowException):  # refused as well: raised below
                writer.write_metadata(end)
    except BaseException:
        with contextlib.suppress(Exception):
            writer.close()
        raise
    with plain_errors(away):
        writer.close()
    if refused:
        raise FalError("fal: the data gateway closed the stream before it had all rows")


@contextlib.contextmanager
def plain_errors(away: str | None = None) -> Iterator[None]:
    """Raises errors of Flight as `FalError` with the gateway's message.

    Where it does not answer, `away` is the message, else the reason is.
    """
    try:
        yield
    except FalError:
        raise
    except Exception as error:
        if not _is_arrow(error):
            raise
        raise _translate(error, away) from None


def _is_arrow(error: Exception) -> bool:
    return any(base.__module__.partition(".")[0] == "pyarrow" for base in type(error).__mro__)


def _translate(error: Exception, away: str | None) -> FalError:
    """The gateway's JSON travels beside the message, and within text of gRPC's own."""
    said = _json(getattr(error, "extra_info", b"") or b"") or _json(str(error))
    if said is not None:
        return FalError(str(said.get("message", error)), said.get("code"), said.get("help"))
    if away is not None and type(error).__name__ == "FlightUnavailableError":
        return FalError(f"fal: {away}")
    text = str(error).partition(". gRPC client debug context")[0].partition(". Detail: ")[0]
    return FalError("fal: " + (text.partition(" error, with message: ")[2] or text))


def _json(text: str | bytes) -> dict[str, Any] | None:
    """The first object in the text."""
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    try:
        found: dict[str, Any] = json.JSONDecoder().raw_decode(text[text.index("{") :])[0]
    except ValueError:
        return None
    return found
