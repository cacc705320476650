"""References to stubs: in a run of ours they are tables.

To dbt alone a stub is ephemeral: it puts `with __dbt__cte__x as (select * from the table)` in front of what reads it. In SQL
that is a detour, in a dbt-native Python model a syntax error, and in an operation dbt refuses it. Here the table is known."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def as_tables(stubs: set[str]) -> Iterator[None]:
    """While it lasts, `ref` of a node in `stubs` gives the relation that its Python model writes."""
    from dbt.context import providers

    classes = [providers.RuntimeRefResolver, providers.OperationRefResolver]
    originals = [(cls, cls.__dict__["create_relation"]) for cls in classes if "create_relation" in cls.__dict__]
    for cls, original in originals:
        cls.create_relation = _direct(original, stubs)
    try:
        yield
    finally:
        for cls, original in originals:
            cls.create_relation = original


def _direct(original: Any, stubs: set[str]) -> Any:
    def create_relation(resolver: Any, target_model: Any) -> Any:
        if target_model.unique_id not in stubs:
            return original(resolver, target_model)
        # `--empty` limits what is read; dbt 1.8 knows no filter by event time.
        known = ("resolve_limit", "limit"), ("resolve_event_time_filter", "event_time_filter")
        limits = {word: getattr(resolver, name) for name, word in known if hasattr(resolver, name)}
        if callable(limits.get("event_time_filter")):
            limits["event_time_filter"] = limits["event_time_filter"](target_model)
        return resolver.Relation.create_from(resolver.config, target_model, **limits)

    return create_relation
