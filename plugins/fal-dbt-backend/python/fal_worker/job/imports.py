"""What the user's code can import: modules beside it, in the folder of scripts and in the project,
and fal's own modules.

Old scripts and notebooks run as they are, with nothing installed: `from fal.typing import *` gives
the names in scope, `from faldbt.magics import init_fal` a function that does nothing, `from fal
import FalDbt` the project of this run. The modules exist in the job only. If another package called
`fal` is installed, that one is imported, and gets `FalDbt` as well.
"""

from __future__ import annotations

import importlib.machinery
import os
import sys
import types
from collections.abc import Iterator, Sequence
from typing import Any

from .request import Request
from .scope import Scope


def folders(request: Request) -> Iterator[str]:
    """Folders for the front of the import path, in their order."""
    yield os.path.dirname(request.file)
    yield from _bases(request)


def working_folder(request: Request) -> str:
    """The folder that the code starts in: a notebook's own, as in Jupyter; that of the command for
    all else.
    """
    own = os.path.dirname(request.file)
    # A runner's machine has the folder only if files of the project were sent along.
    if request.lines is not None and os.path.isdir(own):
        return own
    return request.cwd or request.project_dir


def package(request: Request) -> str | None:
    """The package that a file belongs to, so that `from . import x` works in it; packages need no
    `__init__.py`.

    In a folder below that of the scripts it is that folder; right there it is the folder of the
    scripts itself, if that can be imported from the project.
    """
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


_TYPING = {"fal.typing", "fal.dbt.typing"}
_MAGICS = {"faldbt.magics", "fal.magics", "fal.dbt.integration.magics"}
_PROJECT = {
    "faldbt.project",
    "fal.project",
    "fal.dbt.integration.project",
    "fal.fal_script",
    "fal.dbt.fal_script",
}
_PACKAGES = {"fal", "fal.dbt", "fal.dbt.integration", "faldbt"}


def install(scope: Scope) -> None:
    """Puts the modules in reach of `import`, before what is installed."""
    sys.meta_path.insert(0, _Finder(scope))


class _Finder:
    """Finds the modules named, and loads them."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._installed: dict[str, Any] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Called by the import system."""
        if name in _PACKAGES:
            found = importlib.machinery.PathFinder.find_spec(name, path, target)
            if found is not None and found.loader is not None:
                self._installed[name] = found.loader
                found.loader = self  # type: ignore[assignment]
                return found
        elif name not in _TYPING | _MAGICS | _PROJECT:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=name in _PACKAGES)  # type: ignore[arg-type]

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """Returns `None`, so that the import system makes an ordinary module."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Fills the module."""
        name = module.__name__
        if name in self._installed:
            self._installed[name].exec_module(module)
        if name in _TYPING:
            names = self._scope.names()
            module.__dict__.update(names)
            module.__all__ = list(names)  # type: ignore[attr-defined]
        elif name in _MAGICS:
            module.init_fal = lambda *_, **__: None  # type: ignore[attr-defined]
            module.__all__ = ["init_fal"]  # type: ignore[attr-defined]
        else:
            from . import error, objects, project

            module.__dict__.update(objects.EXPORTED)
            module.FalDbt = project.bound(self._scope)  # type: ignore[attr-defined]
            module.FalError = error.FalError  # type: ignore[attr-defined]
