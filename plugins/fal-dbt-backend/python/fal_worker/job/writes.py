"""Writing: what a model may write once, and what scripts and models may write as often as they
like.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import dtypes, frames
from .client import GatewayClient
from .error import FalError
from .json_columns import JsonColumns

if TYPE_CHECKING:
    from .report import Places
    from .request import Request

_MODES = ("overwrite", "append")
_IN_A_MODEL = "Make it a Python model: a .py or .ipynb file in a folder of models that calls write_to_model(df)."


class Writes:
    """The writes of a job so far. A model's call counts as soon as it starts to send."""

    def __init__(
        self,
        gateway: GatewayClient,
        reporter: Places,
        request: Request,
        has_structs: Callable[[], bool],
    ) -> None:
        self._gateway, self._reporter, self._request = gateway, reporter, request
        self._has_structs = has_structs
        self._lock = threading.Lock()
        self._place: str | None = None
        self.done = False

    def model(self, data: Any, dtype: Any, mode: str | None, names: tuple[str, ...] = ()) -> None:
        """Writes the model. In a Python model a second call fails before it sends anything; in a
        script that belongs to a model each call is final at once, and `names` may name another
        model.
        """
        if self._request.attached:
            self._refuse_in_hooks("write_to_model")
            if self._request.role == "global" and not names:
                raise FalError(
                    "fal: a global script belongs to no model that it could write",
                    "worker::write",
                    _IN_A_MODEL,
                )
            self._final("write_to_model", list(names), data, dtype, mode)
            return
        self._refuse_second()
        if names and names[-1] != self._request.name:
            raise FalError(
                "fal: a Python model writes its own table and no other model's", "worker::write"
            )
        batches, kinds = self._prepared("write_to_model", data, dtype)
        if mode is not None and not isinstance(mode, str):
            raise FalError(f"fal: a mode is a text, not {mode!r}")
        self._claim()
        self._gateway.write(batches, op="write_to_model", mode=mode, **kinds)
        self.done = True

    def relation(self, data: Any) -> None:
        """Writes what a dbt-native model returned."""
        self._claim()
        self._gateway.write(
            frames.reader("model", data, JsonColumns(self._has_structs)), op="write_relation"
        )
        self.done = True

    def source(self, data: Any, source: str, table: str, dtype: Any, mode: str) -> None:
        """Writes the table of a source, final at once."""
        self._refuse_in_hooks("write_to_source")
        self._final("write_to_source", [source, table], data, dtype, mode)

    def missing(self) -> str | None:
        """The problem with a model if its code ended now."""
        if self.done:
            return None
        if self._place is not None:
            return f"fal: the model has no rows: write_to_model at {self._place} failed, and the script went on"
        return "fal: the script ended without a call of write_to_model"

    def _final(self, op: str, args: list[str], data: Any, dtype: Any, mode: str | None) -> None:
        batches, kinds = self._prepared(op, data, dtype)
        self._gateway.write(batches, final=True, op=op, args=args, mode=_checked(mode), **kinds)

    def _prepared(self, function: str, data: Any, dtype: Any) -> tuple[Any, dict[str, Any]]:
        given = dtypes.of_column(dtype)
        batches = frames.reader(function, data, JsonColumns(self._has_structs, given))
        kinds = dtypes.described(dtype, batches.schema.names)
        return batches, {"dtype": kinds} if kinds else {}

    def _refuse_in_hooks(self, function: str) -> None:
        if self._request.hook:
            side = "pre" if self._request.role == "pre_hook" else "post"
            raise FalError(
                f"fal: {function} cannot be called in a {side}-hook",
                "worker::write_in_hook",
                _IN_A_MODEL,
            )

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


def _checked(mode: str | None) -> str:
    mode = mode or "overwrite"
    if mode not in _MODES:
        raise FalError(f"fal: mode is one of {', '.join(_MODES)}, not {mode!r}")
    return mode
