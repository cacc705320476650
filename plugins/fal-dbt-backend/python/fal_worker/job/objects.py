"""The gateway's JSON as the objects that user code sees: `context`, and the entries of
`list_models` and its like.

Attributes work as well as keys: `model.name` and `model["name"]`.
"""

from __future__ import annotations

from collections import UserString
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from .request import Request


class Record(dict[Any, Any]):
    """A mapping whose keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                f"there is no {name!r} here; there is: {', '.join(map(str, self)) or 'nothing'}"
            ) from None


class Status(str):
    """How a node ended. In fal it was a member of an enumeration, so old scripts ask for its
    `value`.
    """

    @property
    def value(self) -> str:
        """The word itself."""
        return str(self)


def recorded(value: Any) -> Any:
    """`value` with every mapping in it, at any depth, as a `Record`."""
    if isinstance(value, Record):
        return value
    if isinstance(value, dict):
        status = value.get("status")
        fields = {key: recorded(entry) for key, entry in value.items()}
        return Record({**fields, "status": Status(status)} if isinstance(status, str) else fields)
    if isinstance(value, list):
        return [recorded(entry) for entry in value]
    return value


class Later:
    """A `Record` that is asked for when it is first looked at: most models never do."""

    def __init__(self, fetch: Callable[[], Any]) -> None:
        self.__dict__["_fetch"] = fetch

    def _value(self) -> Any:
        if "_fetched" not in self.__dict__:
            self.__dict__["_fetched"] = recorded(self.__dict__["_fetch"]())
        return self.__dict__["_fetched"]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # copying and pickling ask for such names
        return getattr(self._value(), name)

    def __getitem__(self, key: Any) -> Any:
        return self._value()[key]

    def __contains__(self, key: Any) -> bool:
        return key in self._value()

    def __iter__(self) -> Any:
        return iter(self._value())

    def __repr__(self) -> str:
        return repr(self._value())

    def __str__(self) -> str:
        return str(self._value())


class LaterText(UserString):
    """Text that is asked for when it is first looked at."""

    def __init__(self, fetch: Callable[[], str] | object) -> None:
        self._fetch = fetch

    @cached_property
    def data(self) -> str:  # type: ignore[override]
        """The text. What the methods of text make of it comes as it is."""
        return str(self._fetch() if callable(self._fetch) else self._fetch)


class CurrentModel(Record):
    """The model of the code that runs, as `context.current_model` gives it."""


class Context(Later):
    """The gateway's context, asked for when it is first looked at; in hooks also `arguments`, known
    without asking.
    """

    def __init__(self, request: Request, fetch: Callable[[], Any]) -> None:
        super().__init__(lambda: _typed(fetch()))
        self.__dict__["_arguments"] = (
            recorded(dict(request.arguments)) if request.hook or request.arguments else None
        )

    def __getattr__(self, name: str) -> Any:
        if name == "arguments":
            return self._given()
        return super().__getattr__(name)

    def __getitem__(self, key: Any) -> Any:
        return self._given(KeyError) if key == "arguments" else super().__getitem__(key)

    def __contains__(self, key: Any) -> bool:
        return (
            self.__dict__["_arguments"] is not None
            if key == "arguments"
            else super().__contains__(key)
        )

    def _given(self, error: type[Exception] = AttributeError) -> Any:
        arguments = self.__dict__["_arguments"]
        if arguments is None:
            raise error(
                "context.arguments is there in pre-hooks and post-hooks only: what `with` gives in the schema file"
            )
        return arguments


def _typed(context: dict[str, Any]) -> dict[str, Any]:
    """The model as fal's class, and folders as paths, which join with `/` and print as text."""
    if (model := context.get("current_model")) is not None:
        context = {**context, "current_model": CurrentModel(recorded(model))}
    config = context.get("config") or {}
    paths = {
        name: Path(value) for name, value in config.items() if name.endswith("_path") and value
    }
    return {**context, "config": {**config, **paths}}


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
