"""The module in which fal 0.9 and newer had `Context`."""

from fal import Context, CurrentModel

__all__ = ["Context", "CurrentModel"]
