"""The session process of `FalDbt`: the one of a run, which also closes a DuckDB file while no job
uses it.

A notebook's kernel lives for days, and DuckDB lets one process at a time open a file for writing:
held open, it would keep `fal-host run` and everybody else out.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
from typing import Any

from fal_worker.engine import loop, session
from fal_worker.protocol import Done, Load, Loaded

# Tries to open a file that another process holds, 1, 2, 4 and 8 seconds apart.
_ATTEMPTS = 4


class NotebookSession(session.Session):
    """A session that continues after an interruption, and holds a database only while it is used."""

    def op_load(self, message: Load) -> Loaded:
        """Loads the project; the profile is known then, and no connection has been opened yet."""
        answer = super().op_load(message)
        credentials = self.project.config.credentials
        if credentials.type == "duckdb" and os.environ.get("FAL_KEEP_OPEN") != "1":
            _share(credentials)
        return answer

    def op_cancel(self, message: Done) -> Done:
        """Interrupts the current reads; the notebook continues.

        Does not use dbt's own cancelling, which opens a connection for every thread it ever saw and
        keeps it open.
        """
        self.gateway.cancel()
        return {}


def _share(credentials: Any) -> None:
    """Makes dbt-duckdb close its file between uses, as if the profile said so.

    dbt-duckdb still keeps in-memory databases and MotherDuck open.
    """
    credentials.keep_open = False
    if getattr(credentials, "retries", None) is None:
        with contextlib.suppress(ImportError, AttributeError):
            from dbt.adapters.duckdb.credentials import Retries

            credentials.retries = Retries(connect_attempts=_ATTEMPTS)


if __name__ == "__main__":
    session.Session = NotebookSession  # type: ignore[misc]
    # Remove the folder of sockets even if the interpreter that made it was killed.
    atexit.register(shutil.rmtree, os.path.dirname(os.environ[loop.OPEN]), ignore_errors=True)
    loop.main()
