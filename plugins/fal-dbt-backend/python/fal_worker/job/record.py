"""JSON of the gateway as objects with attributes: `model.name` as well as `model["name"]`."""

from __future__ import annotations

from collections import UserString
from collections.abc import Callable
from functools import cached_property
from typing import Any


class Record(dict):
    """A mapping whose keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                f"there is no {name!r} here; there is: {', '.join(map(str, self)) or 'nothing'}"
            ) from None


class Status(str):
    """How a node ended. To the forerunner's scripts it was a member of an enumeration, which has a `value`."""

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
