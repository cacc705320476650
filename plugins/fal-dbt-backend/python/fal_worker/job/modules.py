"""Where the user's code finds modules: beside itself, in the folder of scripts, in the project."""

from __future__ import annotations

import os
from collections.abc import Iterator

from .request import Request


def folders(request: Request) -> Iterator[str]:
    """Folders for the front of the import path, in their order."""
    yield os.path.dirname(request.file)
    yield from _bases(request)


def working_folder(request: Request) -> str:
    """The folder that the code starts in: a notebook's own, as in Jupyter; that of the command for all else."""
    own = os.path.dirname(request.file)
    # A runner's machine has the folder only if files of the project were sent along.
    if request.lines is not None and os.path.isdir(own):
        return own
    return request.cwd or request.project_dir


def package(request: Request) -> str | None:
    """The package that a file belongs to, so that `from . import x` works in it; packages need no `__init__.py`.

    In a folder below that of the scripts it is that folder; right there it is the folder of the scripts itself, if that
    can be imported from the project."""
    for base in _bases(request):
        name = _dotted(os.path.dirname(request.file), base)
        if name:
            return name
    return None


def _bases(request: Request) -> Iterator[str]:
    for base in (request.scripts_dir, request.project_dir):
        if base:
            yield os.path.normpath(os.path.join(request.project_dir, base))


def _dotted(folder: str, base: str) -> str | None:
    """`folder` as a package below `base`."""
    if not folder.startswith(base.rstrip(os.sep) + os.sep):
        return None
    parts = os.path.relpath(folder, base).split(os.sep)
    return None if any("." in part for part in parts) else ".".join(parts)
