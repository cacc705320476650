"""The module in which fal 0.9 and newer had `FalDbt` and its classes."""

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
