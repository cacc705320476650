"""Finds the warehouse that serves an adapter of dbt.

In this order: a warehouse of this package that is named after the adapter type, an installed
package with an entry point of that name in the group `fal_host.warehouses`, the general path. fal's
own come first, so that installing a package never changes how a project on a known warehouse runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import import_module
from importlib.metadata import Distribution, EntryPoint, distributions
from importlib.util import find_spec
from typing import Any

from fal_worker.errors import SessionError

from .generic.facts import KNOWN, generic_facts
from .interface import Facts, Warehouse

GROUP = "fal_host.warehouses"
_CODE = "gateway::warehouse"
# What `open` must give.
_METHODS = ("read", "begin_write", "cancel")


def facts_of(adapter: str) -> Facts:
    """The facts about the warehouse that serves an adapter type."""
    facts = _facts_of(adapter)
    # Tests compare the general path with the warehouses that have their own.
    if os.environ.get("FAL_TEST_GENERIC"):
        general = generic_facts(facts.dialect)
        return replace(facts, open=general.open, takes_native_rows=False, checks_leased=False)
    return facts


def for_adapter(adapter: Any) -> Warehouse:
    """Opens the warehouse that serves an adapter of dbt."""
    return facts_of(adapter.type()).open(adapter)


@cache
def _facts_of(adapter: str) -> Facts:
    found = _own(adapter)
    if found is None and (offer := _offered(adapter)) is not None:
        found = offer.facts()
    return found or KNOWN.get(adapter) or generic_facts()


def _own(adapter: str) -> Facts | None:
    if not adapter.isidentifier():
        return None
    for package in (__package__, f"{__package__}.cloud"):
        spec = find_spec(f"{package}.{adapter}")
        if spec is not None:
            name = f"{spec.name}.facts" if spec.submodule_search_locations else spec.name
            if find_spec(name) is not None:
                facts = getattr(import_module(name), "FACTS", None)
                return facts if isinstance(facts, Facts) else None
    return None


@dataclass(frozen=True)
class _Offer:
    """A warehouse that an installed package offers."""

    distribution: str
    entry: EntryPoint

    def facts(self) -> Facts:
        """Loads what the entry point names: `Facts`, or what opens the warehouse of an adapter."""
        try:
            value = self.entry.load()
        except Exception as error:
            raise self._broken(f"it cannot be loaded: {_text(error)}") from error
        if not isinstance(value, Facts):
            if not callable(value):
                raise self._broken("it names neither `Facts` nor something that takes an adapter")
            value = Facts(open=value)
        return replace(value, open=partial(self._open, value))

    def _open(self, facts: Facts, adapter: Any) -> Warehouse:
        try:
            warehouse = facts.open(adapter)
        except SessionError:
            raise
        except Exception as error:
            raise self._broken(f"opening it failed: {_text(error)}") from error
        missing = [name for name in _METHODS if not callable(getattr(warehouse, name, None))]
        if not hasattr(warehouse, "column_rules"):
            missing.append("column_rules")
        if missing:
            raise self._broken(f"what it opens has no {', no '.join(missing)}")
        return warehouse

    def _broken(self, why: str) -> SessionError:
        return SessionError(
            _CODE,
            f"The package {self.distribution} offers a warehouse for the dbt adapter `{self.entry.name}` "
            f"(entry point `{self.entry.value}` of {GROUP}), but {why}",
            f"Upgrade {self.distribution.partition(' ')[0]}, or uninstall it from dbt's Python environment.",
        )


def _offered(adapter: str) -> _Offer | None:
    offers: dict[str, _Offer] = {}
    for offer in _offers():
        if offer.entry.name == adapter:
            # Of a package that is installed twice, the first on the path counts, as for imports.
            offers.setdefault(offer.distribution.partition(" ")[0].lower(), offer)
    if len(offers) > 1:
        raise SessionError(
            _CODE,
            f"The packages {' and '.join(sorted(o.distribution for o in offers.values()))} each offer a warehouse for the dbt adapter `{adapter}` "
            f"(entry points of {GROUP})",
            "Uninstall all but one of them from dbt's Python environment.",
        )
    return next(iter(offers.values()), None)


def _offers() -> Iterator[_Offer]:
    # By distributions: entry points know theirs from Python 3.10 on only.
    for distribution in distributions():
        for entry in distribution.entry_points:
            if entry.group == GROUP:
                yield _Offer(_name(distribution), entry)


def _name(distribution: Distribution) -> str:
    return f"{distribution.metadata['Name']} {distribution.version}"


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
