"""The jobs that may use the gateway, by token."""

from __future__ import annotations

import contextlib
import hmac
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError

from .model_write import ModelWrite, NativeWrite
from .preview import Preview

if TYPE_CHECKING:
    from .lease import Lease
    from .lease_streams import Pump, Watched

# The role of a unit test's job.
UNIT_TEST = "unit_test"


class Job:
    """One run of a model, or of a script that belongs to one (`role` and `model` say which). All
    may read.

    A model writes its own relation once, and that stays pending until the job is closed.
    """

    def __init__(
        self,
        id: str,
        token: str,
        unique_id: str,
        model_write: ModelWrite | NativeWrite | Preview | None = None,
        role: str | None = None,
        model: str | None = None,
        native: bool = False,
    ) -> None:
        self.id, self.token, self.unique_id = id, token, unique_id
        self.role = role
        # dbt's node from which the job sees the project; none for a global script.
        self.node_id = model if role is not None else unique_id
        # None for a script, which has no model to write.
        self.model_write = model_write
        # Whether it is a dbt-native model, which returns its rows.
        self.native = native
        self.warned: set[str] = set()
        # Other tables that the job wrote, with their rows; reported in its result.
        self.written: list[tuple[str, int]] = []
        # The lease of which this job is one attempt, if it runs elsewhere.
        self.lease: Lease | None = None
        # Set when a caller that waits for something to happen should look again.
        self.news = threading.Event()
        self._streams: set[Pump | Watched] = set()
        self._lock = threading.Lock()
        self._wrote = self._sealed = False

    @property
    def attached(self) -> bool:
        """Whether this is a script, which has no model to write."""
        return self.role is not None

    @property
    def hook(self) -> bool:
        return self.role in ("pre_hook", "post_hook")

    @property
    def rows(self) -> int | None:
        return None if self.model_write is None else self.model_write.rows

    @property
    def has_written(self) -> bool:
        """Whether rows of its model await the end of the job."""
        return self.model_write is not None and self.model_write.is_staged

    def write(self, reader: Any, mode: str | None, types: dict[str, str]) -> int:
        """Writes the model, once; gives the number of rows."""
        assert self.model_write is not None
        if isinstance(self.model_write, NativeWrite):
            with self._writing():
                if self.lease is None:
                    return self.model_write.stream(reader)
                return self.model_write.spool(reader)
        target = self.model_write.target(mode)
        with self._writing():
            return self.model_write.stage(target, reader, types)

    def undo(self) -> None:
        if self.model_write is not None:
            self.model_write.undo()

    def next_attempt(self, token: str) -> Job:
        """Makes the next attempt at the same node, with a new write."""
        write = None if self.model_write is None else self.model_write.next_attempt()
        job = Job(self.id, token, self.unique_id, write, self.role, None, self.native)
        job.node_id, job.lease = self.node_id, self.lease
        job.warned, job.written = self.warned, self.written
        return job

    def watch(self, stream: Any) -> None:
        """Adds a stream that ends with the job."""
        self.check_open()
        self._streams.add(stream)
        # `end` may have listed the streams between the check and the addition.
        if self._sealed:
            stream.abort()

    def unwatch(self, stream: Any) -> None:
        self._streams.discard(stream)

    def end(self) -> None:
        """Ends the job's streams and invalidates its token."""
        self._sealed, self.token = True, ""
        self.news.set()
        streams = list(self._streams)
        for stream in streams:
            stream.abort()
        for stream in streams:
            stream.wait()
        self.seal()

    def revoke(self) -> None:
        """Undoes this attempt, except for writes that were committed at once."""
        self.end()
        self.undo()

    def seal(self) -> None:
        """Waits for a running write, and refuses new ones."""
        with self._lock:
            self._sealed = True

    def check_uses_warehouse(self) -> None:
        if self.role == UNIT_TEST:
            raise SessionError(
                "gateway::unit_test",
                f"{self.unique_id} is a unit test, which does without the warehouse",
            )

    @property
    def is_sealed(self) -> bool:
        return self._sealed

    def check_open(self) -> None:
        if self._sealed:
            raise SessionError("gateway::closed", f"The job of {self.unique_id} has ended")

    @contextlib.contextmanager
    def while_open(self) -> Iterator[None]:
        """Keeps the write from starting or ending while the context is active."""
        with self._lock:
            self.check_open()
            yield

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Holds the lock during the only write of the model."""
        if not self._lock.acquire(blocking=False):
            raise _twice(self.unique_id)
        try:
            self.check_open()
            if self._wrote:
                raise _twice(self.unique_id)
            self._wrote = True
            yield
        finally:
            self._lock.release()


def _twice(unique_id: str) -> SessionError:
    return SessionError(
        "gateway::second_write",
        f"{unique_id} writes its model a second time",
        "Call `write_to_model` exactly once.",
    )


class JobTable:
    """Open jobs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}

    def add(self, job: Job) -> None:
        with self._lock:
            if job.id in self._jobs or not job.token:
                raise SessionError(
                    "session::order", f"job {job.id} is open already, or has no token"
                )
            self._jobs[job.id] = job

    def find(self, id: str) -> Job | None:
        with self._lock:
            return self._jobs.get(id)

    def replace(self, job: Job) -> bool:
        """Replaces the job with the same id; returns whether there was one."""
        with self._lock:
            there = job.id in self._jobs
            if there:
                self._jobs[job.id] = job
            return there

    def lease_by_token(self, token: Any) -> Lease:
        for job in self.all():
            if job.lease is not None and _same(job.lease.token, token):
                return job.lease
        raise unknown()

    def take(self, id: str) -> Job | None:
        with self._lock:
            return self._jobs.pop(id, None)

    def all(self) -> list[Job]:
        with self._lock:
            return list(self._jobs.values())

    def by_token(self, token: Any) -> Job:
        for job in self.all():
            if _same(job.token, token):
                return job
        raise unknown()


def _same(token: str, given: Any) -> bool:
    """Compares tokens in constant time.

    An empty token fits none. JSON may hold half of a character, which has no bytes.
    """
    return (
        bool(token)
        and isinstance(given, str)
        and hmac.compare_digest(token.encode(), given.encode(errors="surrogatepass"))
    )


def unknown() -> SessionError:
    """The same error for every call without a valid token, so that it reveals nothing about jobs."""
    return SessionError(
        "gateway::token", "The gateway does not know this token, or its job has ended"
    )
