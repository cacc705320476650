"""The user's code, compiled: a script as one unit, a notebook cell by cell."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import linecache
import sys
from collections.abc import Iterable, Iterator
from types import CodeType
from typing import TYPE_CHECKING, Any, Protocol

from . import cells
from .request import Request

if TYPE_CHECKING:
    from .shell import Shell


class Program(Protocol):
    """Compiled code. Nothing of it has run when it exists: a syntax error is reported before."""

    def run(self, namespace: dict[str, Any]) -> None:
        """Runs the code in these names."""


def compiled(request: Request, shell: Shell | None = None) -> Program:
    """Compiles a job's code, and gives `linecache` the source, so that tracebacks show what ran and not what is on disk."""
    code = request.code.lstrip("\ufeff")
    if request.lines is None:
        remember(request.file, code)
        return Script(compile(code, request.file, "exec", dont_inherit=True))
    notebook = cells.Notebook(request.file, code, request.lines)
    return Cells(notebook.cells(), shell)


class Script:
    """One unit."""

    def __init__(self, unit: CodeType) -> None:
        self._unit = unit

    def run(self, namespace: dict[str, Any]) -> None:
        """Runs it."""
        exec(self._unit, namespace)


class Cells:
    """The cells of a notebook. The shell records them; without one their results are dropped."""

    def __init__(self, notebook: Iterable[cells.Cell], shell: Shell | None = None) -> None:
        self._shell = shell
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cells: list[tuple[cells.Cell, list[CodeType]]] = []
        future = 0
        for cell in notebook:
            remember(cell.name, cell.text)
            if shell is not None:
                shell.history.expect(cell.text)
            units = list(cell.units(future))
            for unit in units:
                future |= unit.co_flags & cells.FUTURE
            self._cells.append((cell, units))

    def run(self, namespace: dict[str, Any]) -> None:
        """Runs the cells one after the other. A cell that awaits runs in an event loop, as in Jupyter."""
        for cell, units in self._cells:
            with _unrecorded() if self._shell is None else self._shell.cell(cell):
                self._run(units, namespace)

    def _run(self, units: list[CodeType], namespace: dict[str, Any]) -> None:
        for unit in units:
            if unit.co_flags & inspect.CO_COROUTINE:
                self._loop = self._loop or _new_loop()
                self._loop.run_until_complete(eval(unit, namespace))
            else:
                exec(unit, namespace)


@contextlib.contextmanager
def _unrecorded() -> Iterator[None]:
    shown, sys.displayhook = sys.displayhook, lambda value: None
    try:
        yield
    finally:
        sys.displayhook = shown


def _new_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


def remember(name: str, text: str) -> None:
    """An entry without a time is never checked against the disk."""
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
