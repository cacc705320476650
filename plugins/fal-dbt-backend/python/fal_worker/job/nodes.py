"""fal's classes of what the lists and `context` hold, for type hints and `isinstance`."""

from __future__ import annotations

from typing import Any

from .context import Context, CurrentModel
from .record import Record, recorded


class DbtModel(Record):
    """A model, as `list_models` gives it."""


class DbtSource(Record):
    """A table of a source, as `list_sources` gives it."""


class DbtTest(Record):
    """A data test, as `list_tests` gives it."""


class DbtGenericTest(DbtTest):
    """One that a schema file names."""


class DbtSingularTest(DbtTest):
    """One that is a file of SQL."""


# What fal exported from `fal` and `fal.dbt`, beside `FalDbt`.
EXPORTED: dict[str, Any] = {
    each.__name__: each
    for each in (
        Context,
        CurrentModel,
        DbtModel,
        DbtSource,
        DbtTest,
        DbtGenericTest,
        DbtSingularTest,
    )
}


def models(answer: list[Any]) -> list[Any]:
    """The gateway's list of models as objects."""
    return [DbtModel(_with_tests(each)) for each in answer]


def sources(answer: list[Any]) -> list[Any]:
    """The gateway's list of sources as objects."""
    return [DbtSource(_with_tests(each)) for each in answer]


def tests(answer: list[Any]) -> list[Any]:
    """The gateway's list of tests as objects."""
    return [
        (DbtGenericTest if each.get("test_type") == "generic" else DbtSingularTest)(recorded(each))
        for each in answer
    ]


def _with_tests(node: dict[str, Any]) -> dict[str, Any]:
    return {**recorded(node), "tests": tests(node.get("tests") or [])}
