"""The user's code, compiled: a script as one unit, a notebook cell by cell."""

from __future__ import annotations

import ast
import asyncio
import inspect
import linecache
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any

from fal_worker.job import cells
from fal_worker.job.request import Request

_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
# Flags that `from __future__ import ...` in one cell sets for the cells after it.
_FUTURE = 0
for _name in __import__("__future__").all_feature_names:
    _FUTURE |= getattr(__import__("__future__"), _name).compiler_flag


@dataclass
class Program:
    """Compiled units in their order. Nothing of it has run when it exists: a syntax error is told before."""

    units: list[CodeType]

    @classmethod
    def compile(cls, request: Request) -> Program:
        """Compiles, and tells `linecache` the source, so that tracebacks show what ran and not what is on disk."""
        code = request.code.lstrip("\ufeff")
        if request.lines is None:
            _remember(request.file, code)
            return cls([compile(code, request.file, "exec", dont_inherit=True)])
        notebook = cells.Notebook(request.file, code, request.lines)
        for name, text in notebook.sources():
            _remember(name, text)
        return cls(list(_compile_cells(notebook)))

    def run(self, namespace: dict[str, Any]) -> None:
        """Runs the units one after the other. A cell that awaits runs in an event loop, as in Jupyter."""
        loop = None
        for unit in self.units:
            if unit.co_flags & inspect.CO_COROUTINE:
                loop = loop or _new_loop()
                loop.run_until_complete(eval(unit, namespace))
            else:
                exec(unit, namespace)


def _compile_cells(notebook: cells.Notebook) -> Iterator[CodeType]:
    flags = _AWAIT
    for name, tree in notebook.trees():
        unit = compile(tree, name, "exec", flags=flags, dont_inherit=True)
        flags |= unit.co_flags & _FUTURE
        yield unit


def _new_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


def _remember(name: str, text: str) -> None:
    """An entry without a time is never checked against the disk."""
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
