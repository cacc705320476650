"""The control channel, newline-delimited JSON over one end of a socket pair, and the messages of a
session's operations.

docs/notes/worker-protocol.md says what they mean. Messages of the plugin interface have its names,
and a test compares their fields with the published schemas; the others have the names of the
backend's structs in Rust.
"""

from __future__ import annotations

import json
import math
import os
import queue
import threading
from collections.abc import Iterator
from typing import Any, TypedDict

from .errors import from_exception

CONTROL_FD = "FAL_CONTROL_FD"


class Channel:
    """A channel over a file descriptor.

    `send` may be called from any thread, `receive` from one.
    """

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)
        self.fd = fd
        self._lock = threading.Lock()

    @classmethod
    def from_environment(cls) -> Channel:
        """The channel that the supervisor handed over; its variable is removed, so that children do
        not see it.
        """
        return cls(int(os.environ.pop(CONTROL_FD)))

    def send(self, message: dict[str, Any]) -> None:
        """Sends one message. Raises `OSError` when the other side is gone."""
        data = memoryview(_encode(message) + b"\n")
        with self._lock:
            while data:
                data = data[os.write(self.fd, data) :]

    def receive(self) -> Iterator[dict[str, Any]]:
        """The messages that come in, until the other side is gone."""
        rest = bytearray()
        while True:
            try:
                data = os.read(self.fd, 1 << 16)
            except ConnectionResetError:
                return
            if not data:
                return
            rest += data
            if b"\n" not in data:
                continue
            *lines, tail = bytes(rest).split(b"\n")
            rest = bytearray(tail)
            for line in lines:
                if line.strip():
                    yield json.loads(line)


class Outbox:
    """Sends answers and events in order on a separate thread, so that no thread of dbt ever waits
    for the host.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._queue: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="fal-outbox", daemon=True)
        self._thread.start()

    def answer(self, id: Any, value: dict[str, Any]) -> None:
        self._queue.put({"id": id, "ok": value})

    def refuse(self, id: Any, error: BaseException) -> None:
        self._queue.put({"id": id, "error": from_exception(error).to_dict()})

    def event(self, event: str, /, **fields: Any) -> None:
        self._queue.put({"event": event, **fields})

    def log(
        self, level: str, message: str, name: str | None = None, unique_id: str | None = None
    ) -> None:
        self.event("log", level=level, name=name, unique_id=unique_id, message=message)

    def flush(self, timeout: float = 5.0) -> None:
        """Sends the remaining messages. Nothing may be sent afterwards."""
        self._queue.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        while (message := self._queue.get()) is not None:
            try:
                self._channel.send(message)
            except OSError:
                return


def _encode(message: Any) -> bytes:
    """JSON as others read it: without Python's NaN and Infinity, which become null."""
    try:
        text = json.dumps(message, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(message), ensure_ascii=False, default=str)
    return text.encode("utf-8", "replace")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# The messages. Fields may be missing where the sender may leave them out.


class OpenRequest(TypedDict, total=False):
    project_dir: str
    command: str
    execute: bool
    state_dir: str
    profiles_dir: str | None
    profile: str | None
    target: str | None
    target_path: str | None
    vars: dict[str, Any]
    threads: int | None
    full_refresh: bool
    dbt_args: list[str]
    retry_of: str | None
    host_args: dict[str, Any]
    show_limit: int | None
    python: str | None
    debug: bool
    keyword: str
    scripts_dir: str | None
    environments: list[Any]


class PythonModel(TypedDict, total=False):
    name: str
    path: str
    stub_path: str | None
    imports: list[str]


class LoadRequest(TypedDict):
    python_models: list[PythonModel]


class GatewayFolder(TypedDict):
    socket_dir: str


class Load(LoadRequest):
    """`load`."""

    gateway: GatewayFolder


class RunGraph(TypedDict):
    info: dict[str, Any]
    nodes: list[dict[str, Any]]


class GatewayLocation(TypedDict):
    location: str


class Loaded(RunGraph):
    """The answer to `load`."""

    gateway: GatewayLocation


class SelectRequest(TypedDict):
    method: str
    value: str


class Selected(TypedDict):
    """The answer to `select`."""

    unique_ids: list[str]


class BeginRequest(TypedDict, total=False):
    selected: list[str]
    scripts: list[str]
    environments: list[str]


class RunNode(TypedDict, total=False):
    """`run`."""

    unique_id: str
    lend: bool


class NodeResult(TypedDict, total=False):
    unique_id: str
    status: str
    message: str | None
    execution_time: float
    rows_affected: int | None
    failures: int | None
    timing: list[dict[str, Any]]
    thread_id: str
    adapter_response: dict[str, Any]
    compiled: bool | None
    compiled_code: str | None
    relation_name: str | None


class JobOpen(TypedDict, total=False):
    """`job_open` and `unit_test_open`."""

    job: str
    token: str
    unique_id: str
    role: str | None
    model: str | None


class JobClose(TypedDict):
    """`job_close`."""

    job: str
    ok: bool
    result: NodeResult


class UnitTestClose(JobClose, total=False):
    """`unit_test_close`."""

    rows: str | None


class OfJob(TypedDict):
    """`job_lend` and `job_settle`."""

    job: str


class Input(TypedDict):
    """A relation that a lent job reads."""

    unique_id: str
    relation: str | None


class LentJob(TypedDict):
    """The answer to `job_lend`."""

    inputs: list[Input]
    output: str
    output_is_rows: bool


class JobAnswer(TypedDict):
    """A lent job's own report of its end."""

    ok: bool
    error: dict[str, Any] | None


class Settled(TypedDict):
    """The answer to `job_settle`."""

    attempts: int
    answer: JobAnswer | None
    wrote: bool
    seconds: float | None


class Listen(TypedDict, total=False):
    """`gateway_listen`."""

    host: str
    port: int
    certificate: str | None
    key: str | None
    env_vars: list[str]


class Listening(TypedDict):
    """The answer to `gateway_listen`."""

    port: int


class Lineage(TypedDict):
    """The answer to `lineage`."""

    connection: dict[str, Any]
    columns: dict[str, Any]


class CompileRequest(TypedDict):
    sql: str


class CompileResponse(TypedDict):
    sql: str


class PythonJobDone(TypedDict, total=False):
    """`python_job_done`. `interrupted` is the session's own, for a job that it gives up."""

    job: str
    ok: bool
    error: dict[str, Any] | None
    interrupted: bool


class Finish(TypedDict, total=False):
    """`finish`."""

    interrupted: bool


class CloseResponse(TypedDict):
    artifacts_written: bool
    failed_hooks: list[NodeResult]


class Done(TypedDict):
    """The answer of an operation without data."""
