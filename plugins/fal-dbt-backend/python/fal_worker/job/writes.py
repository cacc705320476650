"""Writing, and the rule that a model writes itself exactly once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from fal_worker.job import frames
from fal_worker.job.client import Gateway
from fal_worker.job.error import FalError

if TYPE_CHECKING:
    from fal_worker.job.report import Reporter

_MODES = ("overwrite", "append")


class Writes:
    """What the model has written so far. A call counts from the moment that it starts to send."""

    def __init__(self, gateway: Gateway, reporter: Reporter) -> None:
        self._gateway = gateway
        self._reporter = reporter
        self._lock = threading.Lock()
        self._place: str | None = None
        self._done = False
        self._torn: str | None = None

    def model(self, data: Any, mode: str, op: str = "write_to_model") -> None:
        """Writes the model. A second call fails before it sends anything."""
        self._refuse_second()
        batches = frames.reader("write_to_model", data)
        self._claim()
        self._gateway.write(batches, op=op, mode=_checked(mode))
        self._done = True

    def relation(self, data: Any) -> None:
        """Writes what a dbt-native model returned."""
        self._claim()
        self._gateway.write(frames.reader("model", data), op="write_relation")
        self._done = True

    def source(self, data: Any, source: str, table: str, mode: str) -> None:
        """Writes the table of a source. One that breaks off may have sent a part: then the model must not succeed."""
        batches = frames.reader("write_to_source", data)
        mode = _checked(mode)
        self._torn = f"{source}.{table}"
        self._gateway.write(batches, op="write_to_source", args=[source, table], mode=mode)
        self._torn = None

    def missing(self) -> str | None:
        """What is wrong, if the code ends now."""
        if self._torn is not None:
            return f"fal: write_to_source broke off while it wrote {self._torn}, and the script went on"
        if self._done:
            return None
        if self._place is not None:
            return f"fal: the model has no rows: write_to_model at {self._place} failed, and the script went on"
        return "fal: the script ended without a call of write_to_model"

    def _refuse_second(self) -> None:
        if self._place is not None:
            raise FalError(
                f"fal: write_to_model was already called at {self._place}",
                "worker::second_write",
                "A model writes exactly once: put the rows together, then write them.",
            )

    def _claim(self) -> None:
        with self._lock:
            self._refuse_second()
            self._place = self._reporter.place() or "its start"


def _checked(mode: str) -> str:
    if mode not in _MODES:
        raise FalError(f"fal: mode is one of {', '.join(_MODES)}, not {mode!r}")
    return mode
