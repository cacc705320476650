"""Finds the `dbt` program that the second engine drives."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from fal_worker.errors import SessionError

# Names the program. Set by the user, or by the supervisor from fal_project.yml.
VARIABLE = "FAL_HOST_DBT"


def find() -> str | None:
    """The named one, else that of this Python, else that of the search path."""
    if named := os.environ.get(VARIABLE):
        found = shutil.which(os.path.expanduser(named))
        if found is None:
            message = f"{VARIABLE} names {named}, which is no program"
            raise SessionError(
                "dbt::missing", message, "Name the `dbt` program, or remove the variable."
            )
        return found
    beside = Path(sys.executable).parent / ("dbt.exe" if os.name == "nt" else "dbt")
    return shutil.which(str(beside)) or shutil.which("dbt")
