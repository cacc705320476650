"""The module in which fal's first versions had `FalDbt` and its classes."""

from fal import (
    Context,
    CurrentModel,
    DbtGenericTest,
    DbtModel,
    DbtSingularTest,
    DbtSource,
    DbtTest,
    FalDbt,
)

__all__ = [
    "Context",
    "CurrentModel",
    "DbtGenericTest",
    "DbtModel",
    "DbtSingularTest",
    "DbtSource",
    "DbtTest",
    "FalDbt",
]
