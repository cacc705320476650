"""The names of a model's scope over a `FalDbt`: what `%init_fal` puts into a notebook."""

from __future__ import annotations

from functools import partial
from typing import Any

from fal_worker.job.error import FalError
from fal_worker.job.objects import Later

from .project import FalDbt

NAMES = (
    "FalError", "context", "env_var", "execute_sql", "fal", "is_incremental", "list_features", "list_models", "list_models_ids",
    "list_sources", "list_tests", "ref", "source", "target", "this", "var", "write_to_model", "write_to_source",
)  # fmt: skip

# The `FalDbt` of the last `%init_fal`.
_current: FalDbt | None = None


def current() -> FalDbt | None:
    """The project that the notebook has open."""
    return _current


def make_current(fal: FalDbt | None) -> None:
    """Makes this project the current one, and closes the previous one."""
    global _current
    before, _current = _current, fal
    if before is not None:
        before.close()


def names_of(fal: FalDbt) -> dict[str, Any]:
    """The names and values of everything in `NAMES`."""
    methods = (
        fal.ref, fal.source, fal.write_to_source, fal.execute_sql, fal.list_models, fal.list_models_ids, fal.list_sources,
        fal.list_tests, fal.list_features, fal.var, fal.env_var, fal.write_to_model, fal.is_incremental,
    )  # fmt: skip
    later = {name: Later(partial(getattr, fal, name)) for name in ("context", "target", "this")}
    return {
        **{method.__name__: method for method in methods},
        **later,
        "fal": fal,
        "FalError": FalError,
    }
