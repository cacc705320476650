"""What `get_ipython()` gives in a notebook model: enough of IPython's shell to run without it."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from . import cells
from .capture import capture
from .history import History

if TYPE_CHECKING:
    from .scope import Scope

_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
_DOLLAR = re.compile(r"\$\$|\$(\w+)|\$")


class Lines(list):
    """The lines of a command's output, as IPython's `SList`."""

    @property
    def l(self) -> list[str]:  # noqa: E743  IPython's name
        """As a list."""
        return list(self)

    @property
    def n(self) -> str:
        """As text with line ends."""
        return "\n".join(self)

    @property
    def s(self) -> str:
        """As text with spaces."""
        return " ".join(self)


class Shell:
    """The shell object. Magics are in `magics`; one that is not known is told once and ignored."""

    def __init__(self, namespace: dict[str, Any], scope: Scope) -> None:
        self.user_ns = namespace
        self.scope = scope
        self.history = History(namespace)

    def get_ipython(self) -> Shell:
        """The function that notebooks call."""
        return self

    @contextlib.contextmanager
    def cell(self, cell: cells.Cell) -> Iterator[None]:
        """Around the run of a cell: keeps its text and its result, and its output if that is to be captured."""
        self.history.begin(cell.text)
        captured = cells.captured(cell.text)
        shown, sys.displayhook = sys.displayhook, self.history.result
        try:
            with contextlib.nullcontext() if captured is None else capture(captured, self.user_ns):
                yield
        finally:
            sys.displayhook = shown

    def run_line_magic(self, name: str, line: str, *_: Any, **__: Any) -> Any:
        """`%name line`."""
        from . import magics

        return self._run(magics.LINE, "%", name, self.expand(line, sys._getframe(1).f_locals))

    def run_cell_magic(self, name: str, line: str, cell: str) -> Any:
        """`%%name line` with the rest of the cell."""
        from . import magics

        return self._run(
            magics.CELL, "%%", name, self.expand(line, sys._getframe(1).f_locals), cell
        )

    def magic(self, text: str) -> Any:
        """The old form of a line magic."""
        name, _, line = text.strip().lstrip("%").partition(" ")
        return self.run_line_magic(name, line)

    def _run(self, known: dict[str, Callable[..., Any]], sign: str, name: str, *args: str) -> Any:
        magic = known.get(name)
        if magic is not None:
            return magic(self, *args)
        print(
            f"fal: {sign}{name} is not known here and was ignored ({self.scope.reporter.place()})",
            file=sys.stderr,
        )
        return None

    def system(self, command: str) -> None:
        """`!command`: its output is the model's. Its exit code goes to `_exit_code`, as in IPython."""
        command = self.expand(command, sys._getframe(1).f_locals)
        _flush()
        streams = [
            stream if stream not in (sys.__stdout__, sys.__stderr__) else None
            for stream in (sys.stdout, sys.stderr)
        ]
        pipes = [None if stream is None else subprocess.PIPE for stream in streams]
        done = subprocess.run(
            command,
            shell=True,
            stdout=pipes[0],
            stderr=pipes[1],
            encoding="utf-8",
            errors="replace",
        )
        for stream, text in zip(streams, (done.stdout, done.stderr)):
            if stream is not None:
                stream.write(
                    text
                )  # the cell's output is captured, and the command's is a part of it
        self.user_ns["_exit_code"] = done.returncode

    def getoutput(self, command: str, *_: Any, **__: Any) -> Lines:
        """`x = !command`: the lines that it wrote."""
        command = self.expand(command, sys._getframe(1).f_locals)
        _flush()
        done = subprocess.run(
            command, shell=True, stdout=subprocess.PIPE, encoding="utf-8", errors="replace"
        )
        self.user_ns["_exit_code"] = done.returncode
        return Lines(done.stdout.splitlines())

    def show_usage(self) -> None:
        """`?` alone: help that nobody is there to read."""

    def expand(self, text: str, names: dict[str, Any]) -> str:
        """Puts values in the place of `{expression}` and `$name`; what has no value stays as it is."""

        def braces(match: re.Match[str]) -> str:
            if match[1] is None:
                return match[0][0]
            try:
                return str(eval(match[1], self.user_ns, names))
            except Exception:  # braces of the shell's own
                return match[0]

        def dollar(match: re.Match[str]) -> str:
            if match[0] == "$$":
                return "$"
            missing = object()
            value = (
                names.get(match[1], self.user_ns.get(match[1], missing)) if match[1] else missing
            )
            return match[0] if value is missing else str(value)

        return _DOLLAR.sub(dollar, _BRACES.sub(braces, text))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"get_ipython().{name} is not there in a model: there is no notebook to talk to"
        )


def display(*objects: Any, **_: Any) -> None:
    """Prints what a notebook would show."""
    for value in objects:
        print(repr(value))


def _flush() -> None:
    """What the model has printed comes before what the command prints."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
