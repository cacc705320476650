"""The session's main loop. Each request gets a thread; the end of the channel ends the process."""

from __future__ import annotations

import atexit
import json
import os
import queue
import shutil
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from fal_worker.errors import SessionError
from fal_worker.protocol import Channel, OpenRequest, Outbox
from fal_worker.warehouse.activity import ACTIVITY

from . import open as engine
from .events import LineForwarder

OPEN = "FAL_OPEN"
# Marks a folder as one that the supervisor made for this run.
OWNED = "owned"
# Seconds for rolling back after the channel has ended.
_LAST_WORDS = 1.0


def main(choose: Callable[[], engine.Choice] = engine.choose) -> None:
    """Serves the session that `choose` returns, which may take long: it may import dbt."""
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    channel = Channel.from_environment()
    outbox = Outbox(channel)
    sys.stdout = LineForwarder(outbox)
    request, folder = _open_request()
    state = _State(folder)
    threading.Thread(
        target=_read, args=(channel, requests, state), name="fal-reader", daemon=True
    ).start()
    _Loop(outbox, request, choose(), state).serve(requests)


def _open_request() -> tuple[OpenRequest, str]:
    """Reads the request; returns it with the folder that contains it."""
    path = os.environ.pop(OPEN)
    with open(path, encoding="utf-8") as file:
        request: OpenRequest = json.load(file)
    return request, os.path.dirname(path)


class _State:
    """State that the reader needs to end the process."""

    def __init__(self, folder: str) -> None:
        self.session: Any = None
        self.folder = folder


def _read(channel: Channel, requests: queue.SimpleQueue[dict[str, Any]], state: _State) -> None:
    try:
        for message in channel.receive():
            requests.put(message)
    finally:
        _die(state)


def _die(state: _State) -> None:
    """Ends the process after the supervisor is gone: uncommitted work is rolled back, whatever
    threads still do.
    """
    threading.Timer(_LAST_WORDS, os._exit, (1,)).start()
    _remove_run_folder(state.folder)
    try:
        if state.session is not None:
            state.session.cancel()
            state.session.close_database()
        atexit._run_exitfuncs()
    finally:
        os._exit(1)


def _remove_run_folder(folder: str) -> None:
    """Removes the run's folder, in case the supervisor was killed and can't do it."""
    if folder and os.path.exists(os.path.join(folder, OWNED)):
        shutil.rmtree(folder, ignore_errors=True)


def _leave(outbox: Outbox, folder: str) -> None:
    """Exits without Python's shutdown, during which DuckDB prints its leaks; dbt's threads may also
    be stuck.
    """
    outbox.flush()
    # dbt's log file is flushed, and multiprocessing's semaphores are given back (their tracker
    # complains otherwise).
    leaving = threading.Thread(target=atexit._run_exitfuncs, daemon=True)
    leaving.start()
    leaving.join(_LAST_WORDS)
    _remove_run_folder(folder)
    os._exit(0)


class _Loop:
    """Answers requests."""

    def __init__(
        self, outbox: Outbox, request: OpenRequest, choice: engine.Choice, state: _State
    ) -> None:
        self._outbox, self._failure, self._state = outbox, choice.failure, state
        if choice.make is not None:
            state.session = choice.make(request, outbox)
        else:
            # The supervisor may use the folder for another engine.
            state.folder = ""

    def serve(self, requests: queue.SimpleQueue[dict[str, Any]]) -> None:
        while True:
            message = requests.get()
            threading.Thread(
                target=self._answer, args=(message,), name=f"fal-{message.get('op')}", daemon=True
            ).start()

    def _answer(self, message: dict[str, Any]) -> None:
        id = message.get("id")
        try:
            with ACTIVITY.running():
                value = self._perform(message)
                if isinstance(value, Future):
                    value = value.result()
            self._before_answer(message)
            self._outbox.answer(id, value)
        except BaseException as error:  # noqa: BLE001 (every request gets an answer)
            self._outbox.refuse(id, error)
        if message.get("op") == "finish":
            _leave(self._outbox, self._state.folder)

    def _before_answer(self, message: dict[str, Any]) -> None:
        """Closes the database before `finish` is answered, since the host may then open it."""
        if message.get("op") == "finish" and self._state.session is not None:
            closing = threading.Thread(target=self._state.session.close_database, daemon=True)
            closing.start()
            closing.join(_LAST_WORDS)

    def _perform(self, message: dict[str, Any]) -> Any:
        if self._failure is not None:
            if message.get("op") == "finish":
                return {"artifacts_written": False, "failed_hooks": []}
            raise self._failure
        operation = getattr(self._state.session, f"op_{message.get('op')}", None)
        if operation is None:
            raise SessionError("session::op", f"the session has no operation {message.get('op')!r}")
        return operation(message)
