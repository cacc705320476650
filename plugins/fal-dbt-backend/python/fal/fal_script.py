"""The module in which fal's first versions had `Context`."""

from fal import Context, CurrentModel

__all__ = ["Context", "CurrentModel"]
