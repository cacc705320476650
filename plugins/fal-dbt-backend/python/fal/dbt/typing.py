"""The module under which fal 0.9 and newer had `fal.typing`."""

from __future__ import annotations

from typing import Any

from fal import typing as _typing

__all__ = list(_typing.__all__)


def __getattr__(name: str) -> Any:
    return getattr(_typing, name)
