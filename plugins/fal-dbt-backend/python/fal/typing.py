"""`from fal.typing import *`: the names of a model's scope, for editors and old scripts.

After `%init_fal` they are those of the notebook's project; before, calling one raises an error that
says what to do.
"""

from __future__ import annotations

from typing import Any

from fal_worker.job.error import FalError

from . import namespace

__all__ = list(namespace.NAMES)


def __getattr__(name: str) -> Any:
    if name not in namespace.NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    fal = namespace.current()
    if fal is not None:
        return namespace.names_of(fal)[name]
    return FalError if name == "FalError" else _Absent(name)


class _Absent:
    """Takes the place of a name while no project is open."""

    def __init__(self, name: str) -> None:
        self.__dict__["_name"] = name

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise self._error()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise self._error()

    def _error(self) -> FalError:
        return FalError(
            f"fal: {self._name} works in what fal-host runs, and in a notebook after %init_fal",
            "fal::no_project",
            "Elsewhere make a FalDbt(profiles_dir=..., project_dir=...) and use its methods.",
        )
