"""fal outside of a run: `FalDbt` and the magic `%init_fal`.

In a model, hook or script that `fal-host` runs nothing of this is needed: the names are there.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_TYPES = (
    "Context",
    "CurrentModel",
    "DbtGenericTest",
    "DbtModel",
    "DbtSingularTest",
    "DbtSource",
    "DbtTest",
)
_HOMES = {
    "FalDbt": "fal.project",
    "FalError": "fal_worker.job.error",
    **dict.fromkeys(_TYPES, "fal_worker.job.objects"),
}

__all__ = ["FalDbt", "FalError", *_TYPES]  # noqa: PLE0604 - the names of a tuple


def __getattr__(name: str) -> Any:
    """Imports `FalDbt` and the magic late: the session process imports this package too, and needs
    neither.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
