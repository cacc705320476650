"""A model's own table between its write and its end: read as it will be, by this model alone.

The rows are there, but only the open write knows where: in its own transaction, or in a table under
another name. While a job reads, `shown` puts that place where `ref`, `this` and their like are
resolved, and the read goes through the open write itself.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.project.interface import OPEN_WRITE

from .model_write import ModelWrite
from .preview import Preview

if TYPE_CHECKING:
    from fal_worker.project.readable import Readable
    from fal_worker.warehouse.interface import Reading

    from .jobs import Job


class OwnTable:
    """The table that a job's open write makes."""

    def __init__(self, job: Job) -> None:
        write = job.model_write
        assert isinstance(write, ModelWrite) and write.pending is not None
        self.unique_id = job.unique_id
        self._job, self._write, self._pending = job, write, write.pending
        # Kept because dbt rewords errors that its Jinja raises.
        self.refusal: SessionError | None = None

    @cached_property
    def relation(self) -> Any:
        """The relation to read instead of the table.

        Raises where only dbt's materialization knows its rows.
        """
        try:
            return self._write.outcome()
        except SessionError as error:
            self.refusal = error
            raise

    def is_in(self, sql: str) -> bool:
        """Whether the statement names the table."""
        return _names(sql, self._pending.identifier)

    def is_named_by_hand(self, sql: str, identifier: str) -> bool:
        """Whether the statement names the existing table, whose rows are the old ones."""
        return identifier != self._pending.identifier and _names(sql, identifier)

    @property
    def identifier(self) -> str:
        """The name by which a statement shows that it reads the table."""
        return self._pending.identifier

    def read(self, sql: str, *checked: Readable) -> Reading:
        """Runs a query inside the open write."""
        with self._job.while_open():
            return self._pending.read(sql, *checked)


class NotMade:
    """The table of a model that `show` runs, behind its write: there is none to read."""

    identifier = ""

    def __init__(self, unique_id: str) -> None:
        self.unique_id = unique_id
        self.refusal: SessionError | None = None

    @property
    def relation(self) -> Any:
        self.refusal = SessionError(
            "gateway::show",
            f"{self.unique_id} reads its own table after its write, and `show` makes no table",
            "Read it ahead of the write, or use the frame that was written.",
        )
        raise self.refusal

    def is_in(self, sql: str) -> bool:
        return False

    def is_named_by_hand(self, sql: str, identifier: str) -> bool:
        return False


@contextlib.contextmanager
def shown(job: Job) -> Iterator[OwnTable | NotMade | None]:
    """While active, references to the job's own model mean its open write, if there is one."""
    write = job.model_write
    own: OwnTable | NotMade | None = None
    if isinstance(write, Preview) and write.is_staged:
        own = NotMade(job.unique_id)
    elif write is not None and write.pending is not None:
        own = OwnTable(job)
    before = OPEN_WRITE.set(own)
    try:
        yield own
    finally:
        OPEN_WRITE.reset(before)


def _names(sql: str, identifier: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(identifier)}(?!\w)", sql, re.IGNORECASE) is not None
