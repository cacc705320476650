"""What user code sees as `context`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fal_worker.job.record import Later, recorded
from fal_worker.job.request import Request


class Context(Later):
    """The gateway's context, asked for when it is first looked at; in hooks also `arguments`, known without asking."""

    def __init__(self, request: Request, fetch: Callable[[], Any]) -> None:
        super().__init__(lambda: _with_paths(fetch()))
        self.__dict__["_arguments"] = recorded(dict(request.arguments)) if request.hook or request.arguments else None

    def __getattr__(self, name: str) -> Any:
        if name == "arguments":
            return self._given()
        return super().__getattr__(name)

    def __getitem__(self, key: Any) -> Any:
        return self._given(KeyError) if key == "arguments" else super().__getitem__(key)

    def __contains__(self, key: Any) -> bool:
        return self.__dict__["_arguments"] is not None if key == "arguments" else super().__contains__(key)

    def _given(self, error: type[Exception] = AttributeError) -> Any:
        arguments = self.__dict__["_arguments"]
        if arguments is None:
            raise error("context.arguments is there in pre-hooks and post-hooks only: what `with` gives in the schema file")
        return arguments


def _with_paths(context: dict[str, Any]) -> dict[str, Any]:
    """Folders as paths, which join with `/` and print as text."""
    config = context.get("config") or {}
    paths = {name: Path(value) for name, value in config.items() if name.endswith("_path") and value}
    return {**context, "config": {**config, **paths}}
