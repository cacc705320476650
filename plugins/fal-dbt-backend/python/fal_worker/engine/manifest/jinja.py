"""Jinja without dbt, and imports of what an interpreter without dbt may lack."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from fal_worker.errors import SessionError

_NOTHING = object()


class UnknownName(SessionError):
    """A name that Jinja here does not know. dbt may."""


def need(module: str, package: str, what: str) -> Any:
    """Imports what a dbt without Python does not bring along."""
    import importlib
    import sys

    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise SessionError(
            "engine::missing",
            f"{what} needs the package {package}, which {sys.executable} does not have",
            f"Install it there: pip install {package}",
        ) from None


def env_var(name: str, default: Any = _NOTHING) -> str:
    value = os.environ.get(name)
    if value is None:
        if default is _NOTHING:
            raise SessionError("dbt::env_var", f"Env var required but not provided: '{name}'")
        return str(default)
    return value


def environment() -> Any:
    """Jinja with dbt's filters for numbers and truth; unknown names are errors."""
    jinja2 = need("jinja2", "jinja2", "The second engine")
    # As dbt's own: text of leased jobs must not get from a value to Python's modules.
    sandbox = need("jinja2.sandbox", "jinja2", "The second engine")
    made = sandbox.SandboxedEnvironment(
        undefined=jinja2.StrictUndefined, extensions=["jinja2.ext.do"]
    )
    made.filters.update(as_native=_same, as_number=_same, as_bool=_same, as_text=_same)
    made.globals["env_var"] = env_var
    return made


def lenient() -> Any:
    """Jinja in which unknown names are empty, to find what a text refers to."""
    from jinja2 import ChainableUndefined

    class Anything(ChainableUndefined):
        def __call__(self, *_: Any, **__: Any) -> Any:
            return self

    made = environment()
    made.undefined = Anything
    return made


def with_errors(make: Callable[[], str], what: str) -> str:
    from jinja2 import TemplateError, UndefinedError

    try:
        return make()
    except UndefinedError as error:
        raise UnknownName(
            "engine::jinja",
            f"{what}: {error.message}",
            "Where dbt runs as a program, only ref, source, this, config, var, env_var, target and is_incremental are known outside of "
            "dbt's own SQL: put the rest into a model.",
        ) from None
    except TemplateError as error:
        raise SessionError("engine::jinja", f"{what}: {error}") from None


def _same(value: Any) -> Any:
    return value
