"""The module under which fal 0.9 and newer had `FalDbt`."""

from fal.project import FalDbt

__all__ = ["FalDbt"]
