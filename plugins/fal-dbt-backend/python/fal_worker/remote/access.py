"""The requests to the gateway. Each has its own meaning for a missing answer."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

from fal_worker.job.client import connect, plain_errors
from fal_worker.job.error import FalError

# Seconds for one request. The first request undoes the work of an earlier attempt.
_ANSWER, _FIRST_ANSWER = 10.0, 300.0
# Seconds in which the gateway must be found at the start.
_FIND = 10.0
_PAUSE = 0.5


class Unreachable(Exception):
    """The gateway does not answer."""


class Refused(Exception):
    """The gateway refuses: the run was interrupted, or another attempt replaced this one."""


class Access:
    """Sends requests with the lease's token, and after `start` with the attempt's token."""

    def __init__(self, lease: dict[str, Any]) -> None:
        self.location = lease["location"]
        self._client = connect(self.location, lease.get("certificate"), lease.get("server_name"))
        self.token = lease["token"]

    def start(self) -> None:
        """Begins an attempt."""
        until = time.monotonic() + _FIND
        while True:
            try:
                self.token = self._ask("job_start", _FIRST_ANSWER)["token"]
                return
            except Unreachable as error:
                if time.monotonic() > until:
                    raise Unreachable(
                        f"the data gateway at {self.location} cannot be reached from {socket.gethostname()}: {error}"
                    ) from None
                time.sleep(_PAUSE)

    def output(self, lines: list[list[str]]) -> bool:
        """Sends lines of output; returns whether the job must stop."""
        return bool(self._ask("job_output", _ANSWER, lines=lines).get("stop"))

    def beat(self, seconds: float) -> bool:
        """Sends a heartbeat and returns whether the job must stop.

        The gateway holds its answer for up to `seconds`, so that a request to stop arrives at once.
        """
        return bool(self._ask("job_output", seconds + _ANSWER, wait=seconds).get("stop"))

    def answer(self, ok: bool, error: dict[str, Any] | None) -> None:
        self._ask("job_answer", _ANSWER, ok=ok, error=error)

    def _ask(self, action: str, seconds: float, **body: Any) -> Any:
        from pyarrow import flight

        question = flight.Action(action, json.dumps({"token": self.token, **body}).encode())
        try:
            with plain_errors():
                results = self._client.do_action(
                    question, flight.FlightCallOptions(timeout=seconds)
                )
                return json.loads(
                    b"".join(result.body.to_pybytes() for result in results) or b"null"
                )
        except FalError as error:
            # Only errors of the gateway itself have a code.
            raise (Refused if error.code else Unreachable)(
                str(error).removeprefix("fal: ")
            ) from None
