"""The session process of `FalDbt`: the runner's own, which besides lets go of a DuckDB file whenever nobody uses it.

A notebook's kernel lives for days, and DuckDB lets one process at a time open a file for writing: held open, it would
keep `fal-host run` and everybody else out.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
from typing import Any

from fal_worker.session import loop, session

# dbt-duckdb's name for a database that is lost when it is closed.
_IN_MEMORY = ":memory:"


class NotebookSession(session.Session):
    """Goes on after an interruption, and closes the database as soon as the last cursor is closed."""

    def op_begin(self, message: dict[str, Any]) -> Any:
        """The warehouse is ready; dbt may have opened the database."""
        answer = super().op_begin(message)
        _let_go()
        return answer

    def op_job_open(self, message: dict[str, Any]) -> Any:
        """The last moment before the database is used."""
        answer = super().op_job_open(message)
        _let_go()
        return answer

    def op_cancel(self, message: dict[str, Any]) -> Any:
        """Interrupts what is read now; the notebook goes on. Not through dbt, which opens a connection for every thread
        that it ever saw, to have something to cancel, and keeps it open."""
        self._opened.cancel()
        return {}


def _let_go() -> None:
    """Has the effect of `keep_open: false` in the profile; dbt-duckdb opens the file again at the next use."""
    if os.environ.get("FAL_KEEP_OPEN") == "1":
        return
    module = sys.modules.get("dbt.adapters.duckdb.connections")
    environment: Any = getattr(getattr(module, "DuckDBConnectionManager", None), "_ENV", None)
    if not getattr(environment, "_keep_open", False) or _must_stay_open(environment.creds):
        return
    environment._keep_open = False
    with environment.lock:
        if environment.handle_count <= 0:
            environment.close()


def _must_stay_open(credentials: Any) -> bool:
    return credentials.path == _IN_MEMORY or bool(getattr(credentials, "is_motherduck", False))


if __name__ == "__main__":
    session.Session = NotebookSession  # type: ignore[misc]
    # The folder of sockets, also when the interpreter that made it was killed.
    atexit.register(shutil.rmtree, os.path.dirname(os.environ[loop.OPEN]), ignore_errors=True)
    loop.main()
