"""dbt's events and prints, as `log` events of the session."""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
from collections.abc import Iterator
from typing import Any

from fal_worker.protocol import Outbox

# Events at warn or error that the host reports itself: the results of nodes, the end of the run.
_SAID_BY_HOST = frozenset(
    """
    CheckNodeTestFailure EndOfRunSummary FirstRunResultError GenericExceptionOnRun InternalErrorOnRun LogBatchResult
    LogFreshnessResult LogFunctionResult LogHookEndLine LogModelResult LogNodeResult LogSeedResult LogSnapshotResult
    LogTestResult LogUnitTestResult MainEncounteredError MainStackTrace NothingToDo RunResultError
    RunResultErrorNoMessage RunResultFailure RunResultWarning RunResultWarningMessage SkippingDetails StatsLine
    """.split()
)
# Events at info that appear because the user's macros ask for them.
_ALWAYS = frozenset({"JinjaLogInfo", "PrintEvent"})
_LEVELS = {"debug": "debug", "test": "debug", "info": "info", "warn": "warn", "error": "error"}


def is_wanted(level: str, name: str, debug: bool) -> bool:
    """Whether an event of dbt is shown to the user."""
    if name in _ALWAYS or debug:
        return True
    return level in ("warn", "error") and name not in _SAID_BY_HOST


class EventForwarder:
    """A callback for dbt's events. It runs on the thread that fires the event, about 30 times a
    node, so it only filters and queues.
    """

    def __init__(self, outbox: Outbox, debug: bool) -> None:
        self._outbox, self._debug = outbox, debug
        self.muted = False
        # Whether the project has stubs, which dbt takes for ephemeral models.
        self.has_stubs = False

    def __call__(self, message: Any) -> None:
        info = message.info
        if (
            self.muted
            or not is_wanted(info.level, info.name, self._debug)
            or self._is_of_stub(message)
        ):
            return
        if text := info.msg.strip():
            node = getattr(getattr(message.data, "node_info", None), "unique_id", "")
            self._outbox.log(_LEVELS.get(info.level, "info"), text, info.name, node or None)

    def _is_of_stub(self, message: Any) -> bool:
        """The constraints of a Python model do count.

        Of which model dbt speaks, it does not say.
        """
        return (
            self.has_stubs
            and message.info.name == "UnsupportedConstraintMaterialization"
            and getattr(message.data, "materialized", "") == "ephemeral"
        )


@contextlib.contextmanager
def in_file_alone() -> Iterator[None]:
    """While active, dbt logs to dbt.log, as its flags say, and not to the terminal.

    With `--log-level none` dbt would not write dbt.log either.
    """
    requires: Any = importlib.import_module("dbt.cli.requires")
    original = requires.setup_event_logger

    def set_up(flags: Any, **more: Any) -> None:
        flags = copy.copy(flags)
        object.__setattr__(flags, "LOG_LEVEL", "none")
        original(flags=flags, **more)

    requires.setup_event_logger = set_up
    try:
        yield
    finally:
        requires.setup_event_logger = original


class LineForwarder(io.TextIOBase):
    """Replaces `sys.stdout`: each line that macros print becomes a `log` event."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox, self._rest = outbox, ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if line.strip():
                self._outbox.log("info", line, "Print")
        return len(text)
