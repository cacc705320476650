"""The module in which fal's first versions had `FalDbt`."""

from fal.project import FalDbt

__all__ = ["FalDbt"]
