"""Makes errors of SQL hooks name the hook, where dbt only says that a statement of the model
failed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

# Characters of a hook's SQL in an error.
_SHOWN = 200


@contextlib.contextmanager
def named_in_errors() -> Iterator[None]:
    """While active, errors of dbt's macro `run_hooks` say that a hook failed, and which."""
    from dbt.clients.jinja import MacroGenerator

    original = MacroGenerator.__call__

    def call(macro: Any, *args: Any, **keywords: Any) -> Any:
        hooks = args[0] if args else keywords.get("hooks")
        if macro.macro.name != "run_hooks" or not isinstance(hooks, list):
            return original(macro, *args, **keywords)
        watched = _Watched(hooks)
        rest = (watched, *args[1:]) if args else args
        try:
            return original(macro, *rest, **(keywords if args else {**keywords, "hooks": watched}))
        except Exception as error:
            message = getattr(error, "msg", None)
            if isinstance(message, str) and watched.current is not None:
                hook = f"The {_kind(macro, hooks)} failed: {_shortened(watched.current)}"
                setattr(error, "msg", f"{hook}\n{message}")  # noqa: B010 - dbt's errors have it
            raise

    MacroGenerator.__call__ = call
    try:
        yield
    finally:
        MacroGenerator.__call__ = original


class _Watched(list[Any]):
    """A list of hooks that remembers which one was accessed last."""

    current: Any = None

    def __iter__(self) -> Iterator[Any]:
        for hook in super().__iter__():
            self.current = hook
            yield hook


def _kind(macro: Any, hooks: list[Any]) -> str:
    context = macro.context or {}
    kinds = {"post_hooks": "post-hook", "pre_hooks": "pre-hook"}
    return next((kind for name, kind in kinds.items() if hooks is context.get(name)), "hook")


def _shortened(hook: Any) -> str:
    sql = " ".join(str(hook.get("sql") if isinstance(hook, dict) else hook).split())
    return sql if len(sql) <= _SHOWN else sql[:_SHOWN] + "..."
