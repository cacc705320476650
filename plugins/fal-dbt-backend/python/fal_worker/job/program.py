"""The user's code, compiled: a script as one unit, a notebook cell by cell.

The notebook parser makes one Python text of a notebook, and says for each line which cell and line
it came from. Each cell is compiled by itself under the name `FILE, Cell N` with the line numbers of
the cell, so that tracebacks name both.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import linecache
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import CodeType
from typing import TYPE_CHECKING, Any, Protocol

from .request import Request

if TYPE_CHECKING:
    from .shell import Shell

# Between the file and the number of the cell, in the name under which a cell is compiled.
MARK = ", Cell "

AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
# Flags that `from __future__ import ...` in one cell sets for the cells after it.
FUTURE = 0
for _name in __import__("__future__").all_feature_names:
    FUTURE |= getattr(__import__("__future__"), _name).compiler_flag

# What the notebook parser makes of `%%capture out`, so that the cell's body stays Python.
_CAPTURE = re.compile(r"^(?:\s*(?:#.*)?\n)*?# get_ipython\(\): %%capture\b(.*)$", re.MULTILINE)


def capture_arguments(text: str) -> str | None:
    """The arguments of a cell's `%%capture`; `None` if its output is not captured."""
    found = _CAPTURE.match(text)
    return found and found[1].strip()


@dataclass
class Cell:
    """One cell of a notebook."""

    name: str
    text: str
    tree: ast.Module

    @classmethod
    def parsed(cls, name: str, text: str) -> Cell:
        """A cell by itself."""
        return cls(
            name,
            text,
            compile(text, name, "exec", flags=ast.PyCF_ONLY_AST | AWAIT, dont_inherit=True),
        )

    def units(self, future: int) -> Iterator[CodeType]:
        """Compiles the cell: all but its last expression, and that one so that `sys.displayhook`
        gets its value.

        `future` are the flags that `from __future__ import ...` set in the cells before.
        """
        flags = AWAIT | future
        body, last = self.tree.body, None
        if body and isinstance(body[-1], ast.Expr) and not self._is_quiet():
            body, last = body[:-1], body[-1]
        if body:
            unit = compile(
                ast.Module(body=body, type_ignores=[]),
                self.name,
                "exec",
                flags=flags,
                dont_inherit=True,
            )
            flags |= unit.co_flags & FUTURE
            yield unit
        if last is not None:
            yield compile(
                ast.Interactive(body=[last]), self.name, "single", flags=flags, dont_inherit=True
            )

    def _is_quiet(self) -> bool:
        """A `;` at the end says that the value is not wanted."""
        tokens = ""
        for line in reversed(self.text.splitlines()):
            tokens = line.partition("#")[0].rstrip() if tokens == "" else tokens
        return tokens.endswith(";")


@dataclass
class Notebook:
    """The one Python text that was made of a notebook, and for each of its lines the cell and line
    it came from.
    """

    file: str
    code: str
    lines: list[dict[str, int]]

    def name(self, cell: int) -> str:
        """The file name of a cell in code objects."""
        return f"{self.file}{MARK}{cell}"

    def origin(self, line: int | None) -> tuple[int, int]:
        """Cell and line, both from 1, of a line of the text."""
        if not self.lines:
            return 1, line or 1
        entry = self.lines[min(max((line or 1) - 1, 0), len(self.lines) - 1)]
        return entry["cell"], entry["line"]

    def cells(self) -> Iterator[Cell]:
        """The cells in order, each with its text and tree, both with the cell's line numbers."""
        texts = self._texts()
        bodies: dict[int, list[ast.stmt]] = {
            cell: [] for cell, text in texts.items() if capture_arguments(text) is not None
        }
        for statement in self._parse().body:
            bodies.setdefault(self.origin(_first_line(statement))[0], []).append(statement)
        for cell, body in sorted(bodies.items()):
            tree = ast.Module(body=body, type_ignores=[])
            self._renumber(tree)
            yield Cell(self.name(cell), texts.get(cell, ""), tree)

    def _texts(self) -> dict[int, str]:
        """The text of every cell; lines that are not in the code are empty."""
        texts: dict[int, dict[int, str]] = {}
        for origin, text in zip(self.lines, self.code.split("\n")):
            texts.setdefault(origin["cell"], {})[origin["line"]] = text
        return {
            cell: "".join(rows.get(row, "") + "\n" for row in range(1, max(rows) + 1))
            for cell, rows in texts.items()
        }

    def _parse(self) -> ast.Module:
        flags = ast.PyCF_ONLY_AST | AWAIT
        try:
            tree: ast.Module = compile(self.code, self.file, "exec", flags=flags, dont_inherit=True)
        except SyntaxError as error:
            self._relocate(error)
            raise
        return tree

    def _relocate(self, error: SyntaxError) -> None:
        cell, line = self.origin(error.lineno)
        if error.end_lineno is not None and error.lineno is not None:
            error.end_lineno = line + max(error.end_lineno - error.lineno, 0)
        error.filename, error.lineno = self.name(cell), line

    def _renumber(self, tree: ast.AST) -> None:
        for node in ast.walk(tree):
            for name in ("lineno", "end_lineno"):
                if (line := getattr(node, name, None)) is not None:
                    setattr(node, name, self.origin(line)[1])


def _first_line(statement: ast.stmt) -> int:
    """A decorated definition starts at its first decorator."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


class Program(Protocol):
    """Compiled code. Nothing of it has run when it exists: a syntax error is reported before."""

    def run(self, namespace: dict[str, Any]) -> None:
        """Runs the code in these names."""


def compiled(request: Request, shell: Shell | None = None) -> Program:
    """Compiles a job's code, and gives `linecache` the source, so that tracebacks show what ran and
    not what is on disk.
    """
    code = request.code.lstrip("\ufeff")
    if request.lines is None:
        remember(request.file, code)
        return Script(compile(code, request.file, "exec", dont_inherit=True))
    notebook = Notebook(request.file, code, request.lines)
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

    def __init__(self, notebook: Iterable[Cell], shell: Shell | None = None) -> None:
        self._shell = shell
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cells: list[tuple[Cell, list[CodeType]]] = []
        future = 0
        for cell in notebook:
            remember(cell.name, cell.text)
            if shell is not None:
                shell.history.expect(cell.text)
            units = list(cell.units(future))
            for unit in units:
                future |= unit.co_flags & FUTURE
            self._cells.append((cell, units))

    def run(self, namespace: dict[str, Any]) -> None:
        """Runs the cells one after the other.

        A cell that awaits runs in an event loop, as in Jupyter.
        """
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
