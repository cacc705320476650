"""Macros of a project that take the place of dbt's `ref` and `source`, for Python models too."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

# Keywords of `dbt.ref` that are for the job alone.
_OF_JOBS = ("as_", "columns", "where", "limit")


def is_overridden(manifest: Any, function: str) -> bool:
    """Whether a project, a package or the adapter has a macro with the name of dbt's function."""
    return any(macro.name == function for macro in manifest.macros.values())


@contextlib.contextmanager
def without_our_keywords() -> Iterator[None]:
    """While it lasts, dbt parses Python models without our keywords of `ref`. dbt's own `ref`
    ignores them, and most macros that override it refuse them.
    """
    from dbt.parser.models import ModelParser

    original = ModelParser.parse_python_model

    def parse(parser: Any, node: Any, config: Any, context: Any) -> Any:
        def ref(*args: Any, **keywords: Any) -> Any:
            return context["ref"](
                *args, **{name: value for name, value in keywords.items() if name not in _OF_JOBS}
            )

        return original(parser, node, config, {**context, "ref": ref})

    ModelParser.parse_python_model = parse
    try:
        yield
    finally:
        ModelParser.parse_python_model = original


def context_of_native(node: Any, config: Any, manifest: Any) -> dict[str, Any]:
    """What is compiled into a Python model's code in place of dbt's own.

    For every model that the code reads, dbt asks `ref` for a version, also where there is none;
    most macros that override it take no version.
    """
    if not is_overridden(manifest, "ref"):
        return {}
    from dbt.context.providers import generate_runtime_model_context

    macro = generate_runtime_model_context(node, config, manifest)["ref"]

    def ref(*args: Any, v: Any = None, **more: Any) -> Any:
        return macro(*args, **({} if v is None else {"v": v}), **more)

    return {"ref": ref}
