"""What user code sees as `context`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .record import Later, Record, recorded
from .request import Request


class CurrentModel(Record):
    """The model of the code that runs, as `context.current_model` gives it."""


class Context(Later):
    """The gateway's context, asked for when it is first looked at; in hooks also `arguments`, known without asking."""

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
