"""The shell that `get_ipython()` returns in a notebook model: enough of IPython's to run without
it.

`Shell` runs magics (see `magics`) and shell commands, `History` keeps `In`, `Out` and `_`, and
`capture` is `%%capture`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .program import Cell, capture_arguments

if TYPE_CHECKING:
    from .scope import Scope

# A notebook that names none of these does not keep its results alive: they may be large.
_RESULTS = re.compile(r"\b(?:_{1,3}|_\d+|_oh|Out)\b")
_RECENT = ("_", "__", "___")


class History:
    """Keeps the names up to date in the notebook's namespace, as IPython does."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._names = namespace
        self._wanted = False
        self._inputs: list[str] = []
        self._results: dict[int, Any] = {}
        self._recent: list[Any] = ["", "", ""]

    def expect(self, text: str) -> None:
        """Looks for the names of results in code that is about to run."""
        self._wanted = self._wanted or _RESULTS.search(text) is not None

    def begin(self, text: str) -> None:
        """A cell starts."""
        if not self._inputs:
            self._inputs.append("")
            self._names.update(
                {
                    "In": self._inputs,
                    "_ih": self._inputs,
                    "Out": self._results,
                    "_oh": self._results,
                }
            )
            self._names.update(zip(_RECENT, self._recent))
        for distance, name in enumerate(("_i", "_ii", "_iii"), 1):
            self._names[name] = self._inputs[-distance] if distance <= len(self._inputs) else ""
        self._inputs.append(text)
        self._names[f"_i{len(self._inputs) - 1}"] = text

    def result(self, value: Any) -> None:
        """The value of the cell's last expression."""
        if value is None or not self._wanted or value is self._results:
            return
        # `for _ in ...` takes the name for the notebook itself.
        if all(self._names.get(name) is old for name, old in zip(_RECENT, self._recent)):
            self._recent = [value, *self._recent[:2]]
            self._names.update(zip(_RECENT, self._recent))
        number = len(self._inputs) - 1
        self._results[number] = self._names[f"_{number}"] = value


class Captured:
    """The output of a cell, as IPython's `CapturedIO`.

    There is no rich output in a model, so `outputs` is empty.
    """

    def __init__(self) -> None:
        self._stdout, self._stderr = io.StringIO(), io.StringIO()
        self.outputs: list[Any] = []

    @property
    def stdout(self) -> str:
        """What the cell wrote to its standard output."""
        return self._stdout.getvalue()

    @property
    def stderr(self) -> str:
        """What the cell wrote to its standard error."""
        return self._stderr.getvalue()

    def show(self) -> None:
        """Writes it to the streams of now."""
        sys.stdout.write(self.stdout)
        sys.stderr.write(self.stderr)
        sys.stdout.flush()

    __call__ = show

    def __str__(self) -> str:
        return self.stdout


class _Options(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise ValueError(f"%%capture: {message}")


def _options(line: str) -> argparse.Namespace:
    options = _Options(prog="%%capture", add_help=False)
    for flag in ("--no-stderr", "--no-stdout", "--no-display"):
        options.add_argument(flag, action="store_true")
    options.add_argument("output", nargs="?", default="")
    return options.parse_args(shlex.split(line))


@contextlib.contextmanager
def capture(line: str, namespace: dict[str, Any]) -> Iterator[None]:
    """Captures the output of a cell; `line` is that of its magic.

    If the cell fails, what it wrote is shown: it may say why.
    """
    options = _options(line)
    captured = Captured()
    try:
        with contextlib.ExitStack() as stack:
            if not options.no_stdout:
                stack.enter_context(contextlib.redirect_stdout(captured._stdout))
            if not options.no_stderr:
                stack.enter_context(contextlib.redirect_stderr(captured._stderr))
            yield
    except BaseException:
        captured.show()
        raise
    if options.output:
        namespace[options.output] = captured


_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
_DOLLAR = re.compile(r"\$\$|\$(\w+)|\$")


class Lines(list[str]):
    """The lines of a command's output, as IPython's `SList`."""

    @property
    def l(self) -> list[str]:  # IPython's name
        """The lines as a list."""
        return list(self)

    @property
    def n(self) -> str:
        """The lines as one text with line ends."""
        return "\n".join(self)

    @property
    def s(self) -> str:
        """The lines as one text with spaces."""
        return " ".join(self)


class Shell:
    """The shell object. Magics are in `magics`; an unknown one is reported and ignored."""

    def __init__(self, namespace: dict[str, Any], scope: Scope) -> None:
        self.user_ns = namespace
        self.scope = scope
        self.history = History(namespace)

    def get_ipython(self) -> Shell:
        """The function that notebooks call."""
        return self

    @contextlib.contextmanager
    def cell(self, cell: Cell) -> Iterator[None]:
        """Surrounds the run of a cell: records its text and its result, and captures its output if
        the cell asks for it.
        """
        self.history.begin(cell.text)
        captured = capture_arguments(cell.text)
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
        """`!command`: its output is the model's.

        Its exit code goes to `_exit_code`, as in IPython.
        """
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
            check=False,
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
            command,
            shell=True,
            check=False,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        self.user_ns["_exit_code"] = done.returncode
        return Lines(done.stdout.splitlines())

    def show_usage(self) -> None:
        """`?` alone: does nothing, since a run has no reader for help."""

    def expand(self, text: str, names: dict[str, Any]) -> str:
        """Puts values in the place of `{expression}` and `$name`; what has no value stays as it is."""

        def braces(match: re.Match[str]) -> str:
            if match[1] is None:
                return match[0][0]
            try:
                return str(eval(match[1], self.user_ns, names))
            except Exception:  # noqa: BLE001 - any expression may fail: the braces are the shell's
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
    """Flushes the model's output, so that it comes before the command's output."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
