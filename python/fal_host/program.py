"""Where the program is."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "FAL_HOST"
NAME = "fal-host"


class NotFound(Exception):
    """There is no program `fal-host`."""


def find() -> str:
    """Returns the path of `fal-host`."""
    named = os.environ.get(VARIABLE)
    if named:
        found = shutil.which(named)
        if found is None:
            raise NotFound(f"{VARIABLE} names {named}, which is no program")
        return found
    for folder in _folders():
        path = folder / NAME
        if os.access(path, os.X_OK) and path.is_file():
            return str(path)
    on_path = shutil.which(NAME)
    if on_path is None:
        raise NotFound(
            f"{NAME} is not beside this Python and not on the search path: install it, "
            f"or name it in {VARIABLE}"
        )
    return on_path


def _folders() -> Iterator[Path]:
    """Where an installer puts a wheel's programs: in an environment, for the user alone
    (`pip install --user`), or in a folder (`pip install --target`).
    """
    yield Path(__file__).parent
    yield Path(sys.executable).parent
    yield Path(sysconfig.get_path("scripts"))
    yield Path(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")))
    yield Path(__file__).parents[1] / "bin"
