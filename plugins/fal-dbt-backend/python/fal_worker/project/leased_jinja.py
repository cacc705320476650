"""Restricts the Jinja that a leased job sends.

Anyone with the job's token can send it, so it gets names that compute, and none that reach the
warehouse, the machine or dbt's own objects: any name that is not listed here is an error. Macros of
the project see the same names, so they work if they need no others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fal_worker.errors import SessionError

# Of dbt's own names: those that stay as they are.
_KEPT = {
    "column", "context_macro_stack", "database", "dbt_version", "exceptions", "execute", "fromjson", "fromyaml", "invocation_id", "local_md5",
    "log", "modules", "print", "project_name", "return", "run_started_at", "schema", "set", "set_strict", "thread_id", "tojson", "toyaml",
    "zip", "zip_strict",
}  # fmt: skip
_TARGET = ("name", "target_name", "profile_name", "type", "schema", "database", "dbname", "threads")
_PARTS = ("database", "schema", "identifier", "name", "type")


def refused(name: str) -> SessionError:
    return SessionError(
        "gateway::leased",
        f"the Jinja of a model on a runner may not use `{name}`",
        "It has ref, source, this, var, target and macros that need no more than these. `gateway: env_vars:` in fal_project.yml lists what "
        "env_var gives.",
    )


def env_var(allowed: frozenset[str], real: Callable[..., Any]) -> Callable[..., Any]:
    """dbt's `env_var` for these names alone."""

    def restricted(name: str, *default: Any) -> Any:
        if name not in allowed:
            raise refused(f"env_var('{name}')")
        return real(name, *default)

    return restricted


def restrict(make: Callable[[], dict[str, Any]], allowed: frozenset[str]) -> dict[str, Any]:
    """A context of dbt's without what is not for leased jobs.

    Its macros see the same dictionary.
    """
    context, names = make(), _own_names()
    builtins = context["builtins"]
    replaced = {
        "adapter": _Adapter(context["adapter"]),
        "api": {"Column": context["api"]["Column"]},
        "config": _Config(),
        "env_var": env_var(allowed, builtins["env_var"]),
        "is_incremental": lambda: False,
        "ref": _relations(_called(make, context, "ref")),
        "source": _relations(_called(make, context, "source")),
        "target": {name: context["target"][name] for name in _TARGET if name in context["target"]},
        "this": None if context.get("this") is None else Relation(context["this"]),
        "var": _calls(builtins["var"]),
    }
    context.update({name: Refused(name) for name in names - _KEPT if name in context})
    context.update(replaced)
    context["builtins"] = {name: context[name] for name in (*_KEPT, *replaced) if name in context}
    return context


def _called(
    make: Callable[[], dict[str, Any]], context: dict[str, Any], name: str
) -> Callable[..., Any]:
    """dbt's function, or the project's macro in its place.

    That is not the job's text, and may use all that macros may.
    """
    real: Callable[..., Any] = context["builtins"][name]
    return real if context[name] is real else make()[name]


def _own_names() -> set[str]:
    """What dbt puts into a context beside macros."""
    from dbt.context.providers import ModelContext

    names: set[str] = set()
    for kind in ModelContext.__mro__:
        for place in ("_context_members_", "_context_attrs_"):
            names.update(getattr(kind, place, {}))
    if "env_var" not in names or "adapter" not in names:
        raise SessionError(
            "dbt::unsupported",
            "This dbt does not say which names its Jinja has, so models on runners can use none of it",
        )
    # `builtins` is made anew, and `context` is the dictionary itself.
    return names - {"builtins", "context"}


class Refused:
    """Takes the place of a name that leased jobs may not use."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise refused(self._name)

    def __getitem__(self, name: Any) -> Any:
        # Jinja asks for this where there is no such attribute.
        raise refused(f"{self._name}.{name}")

    def __str__(self) -> str:
        raise refused(self._name)

    def __iter__(self) -> Any:
        raise refused(self._name)


class _Adapter:
    """Chooses macros and quotes names, which needs no connection."""

    def __init__(self, adapter: Any) -> None:
        self.dispatch: Callable[..., Any] = lambda *names, **more: adapter.dispatch(*names, **more)
        self.quote: Callable[..., str] = lambda name: str(adapter.quote(str(name)))
        self.type: Callable[..., str] = lambda: str(adapter.type())

    def __getitem__(self, name: Any) -> Any:
        raise refused(f"adapter.{name}")


class _Config:
    """The text belongs to no node that could be configured."""

    def __call__(self, *_: Any, **__: Any) -> str:
        return ""

    def get(self, name: str, default: Any = None, *_: Any, **__: Any) -> Any:
        return default


class Relation:
    """The names of a relation. dbt's own object could do more: make others, and load sources."""

    def __init__(self, relation: Any) -> None:
        text = str(relation)
        self.database, self.schema, self.identifier, self.name, self.type = (
            _text(getattr(relation, part, None)) for part in _PARTS
        )
        self.render: Callable[[], str] = lambda: text
        self.include: Callable[..., Relation] = lambda **parts: Relation(
            relation.include(**{name: bool(on) for name, on in parts.items()})
        )

    def __str__(self) -> str:
        return self.render()


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _relations(real: Callable[..., Any]) -> Callable[..., Relation]:
    def relation(*names: Any, **more: Any) -> Relation:
        if not all(
            name is None or isinstance(name, (str, int, float)) for name in (*names, *more.values())
        ):
            raise refused("ref and source with anything but names")
        return Relation(real(*names, **more))

    return relation


def _calls(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **more: real(*args, **more)
