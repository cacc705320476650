"""The jobs that may use the gateway, by token."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fal_worker.session.errors import SessionError

if TYPE_CHECKING:
    from .staging import Plan
    from .warehouse import PendingWrite

# The role of a unit test's job.
UNIT_TEST = "unit_test"


class Job:
    """One run of a model, or of a script that belongs to one (`role` and `model` say where it stands). All may read.

    A model writes its own relation once, and that stays pending until the job is closed."""

    def __init__(
        self,
        id: str,
        token: str,
        unique_id: str,
        write: Callable[[Any], int] | None = None,
        role: str | None = None,
        model: str | None = None,
        plan: Plan | None = None,
        native: bool = False,
    ) -> None:
        self.id, self.token, self.unique_id = id, token, unique_id
        self.role = role
        # dbt's node from whose place the job sees the project; none for a global script.
        self.node_id = model if role is not None else unique_id
        self.pending: PendingWrite | None = None
        self.rows: int | None = None
        # How its rows reach the relation, unless dbt's own Python materialization takes them (`write`).
        self.plan = plan
        # Whether it is a dbt-native model, that returns its rows.
        self.native = native
        self.warned: set[str] = set()
        # What it wrote besides, for its result.
        self.written: list[tuple[str, int]] = []
        self._native_write = write
        self._lock = threading.Lock()
        self._wrote = self._sealed = False

    @property
    def attached(self) -> bool:
        """Whether this is a script, which writes no model of its own."""
        return self.role is not None

    @property
    def hook(self) -> bool:
        return self.role in ("pre_hook", "post_hook")

    def write(self, begin: Callable[[], PendingWrite]) -> int:
        """A model written by a script: stays pending until the job is closed."""
        with self._writing():
            self.pending = begin()
            self.rows = self.pending.rows
        return self.rows

    def write_native(self, reader: Any) -> int:
        with self._writing():
            assert self._native_write is not None
            self.rows = self._native_write(reader)
        return self.rows

    def seal(self) -> None:
        """Waits for a write under way, and lets no other begin."""
        with self._lock:
            self._sealed = True

    def check_uses_warehouse(self) -> None:
        if self.role == UNIT_TEST:
            raise SessionError("gateway::unit_test", f"{self.unique_id} is a unit test, which does without the warehouse")

    def check_open(self) -> None:
        if self._sealed:
            raise SessionError("gateway::closed", f"The job of {self.unique_id} has ended")

    def _writing(self) -> threading.Lock:
        if not self._lock.acquire(blocking=False):
            raise _twice(self.unique_id)
        try:
            self.check_open()
            if self._wrote:
                raise _twice(self.unique_id)
            self._wrote = True
        except SessionError:
            self._lock.release()
            raise
        return _Held(self._lock)  # type: ignore[return-value]


class _Held:
    """A lock that is held already, to be released at the end of a `with`."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _twice(unique_id: str) -> SessionError:
    return SessionError("gateway::second_write", f"{unique_id} writes its model a second time", "Call `write_to_model` exactly once.")


class JobTable:
    """Open jobs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}

    def add(self, job: Job) -> None:
        with self._lock:
            if job.id in self._jobs or not job.token:
                raise SessionError("session::order", f"job {job.id} is open already, or has no token")
            self._jobs[job.id] = job

    def take(self, id: str) -> Job | None:
        with self._lock:
            return self._jobs.pop(id, None)

    def all(self) -> list[Job]:
        with self._lock:
            return list(self._jobs.values())

    def by_token(self, token: Any) -> Job:
        if isinstance(token, str):
            for job in self.all():
                if hmac.compare_digest(job.token.encode(), token.encode()):
                    return job
        raise SessionError("gateway::token", "The gateway does not know this token, or its job has ended")
