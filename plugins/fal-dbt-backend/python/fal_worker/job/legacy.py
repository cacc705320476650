"""Imports of the forerunner's modules: old scripts and notebooks run as they are, with nothing installed.

`from fal.typing import *` gives the names in scope, `from faldbt.magics import init_fal` a function that does nothing,
`from fal import FalDbt` the project of this run. The modules exist in the job only. Another package called `fal` may be
installed and wanted; then that one is imported, and has `FalDbt` besides.
"""

from __future__ import annotations

import importlib.machinery
import sys
import types
from collections.abc import Sequence
from typing import Any

from .scope import Scope

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
        """The import system asks here."""
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
        """An ordinary module will do."""

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
            from . import error, nodes, project

            module.__dict__.update(nodes.EXPORTED)
            module.FalDbt = project.bound(self._scope)  # type: ignore[attr-defined]
            module.FalError = error.FalError  # type: ignore[attr-defined]
