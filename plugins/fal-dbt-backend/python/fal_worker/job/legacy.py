"""Imports of the forerunner's modules: old scripts and notebooks run as they are.

`from fal.typing import *` gives the names in scope, `from faldbt.magics import init_fal` a function that does nothing.
The modules exist in the job only, and only the packages above them make way for installed ones of the same name.
"""

from __future__ import annotations

import importlib.machinery
import sys
import types
from collections.abc import Sequence
from typing import Any

_TYPING = {"fal.typing", "fal.dbt.typing"}
_MAGICS = {"faldbt.magics", "fal.dbt.integration.magics"}
_PACKAGES = {"fal", "fal.dbt", "fal.dbt.integration", "faldbt"}


def install(names: dict[str, Any]) -> None:
    """Puts the modules in reach of `import`: our leaves before what is installed, our packages after it."""
    sys.meta_path.insert(0, _Finder(_TYPING | _MAGICS, names))
    sys.meta_path.append(_Finder(_PACKAGES, names))


class _Finder:
    """Finds the modules named, and loads them."""

    def __init__(self, modules: set[str], names: dict[str, Any]) -> None:
        self._modules = modules
        self._names = names

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The import system asks here."""
        if name not in self._modules:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=name in _PACKAGES)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """An ordinary module will do."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Fills the module."""
        if module.__name__ in _TYPING:
            module.__dict__.update(self._names)
            module.__all__ = list(self._names)
        elif module.__name__ in _MAGICS:
            module.init_fal = lambda *_, **__: None
            module.__all__ = ["init_fal"]
