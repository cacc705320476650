"""Errors of a model in its author's terms: their frames and cells, no line of the worker's."""

from __future__ import annotations

import enum
import os
import re
import sys
import sysconfig
import traceback
from typing import TYPE_CHECKING, Any, Protocol

from fal_worker.texts import shortened

from .error import FalError
from .program import MARK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType

    from .request import Request

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_CELL = re.compile(rf'File "([^"\n]*){MARK}(\d+)", line')


class Kind(enum.Enum):
    """Who wrote a file."""

    USER = "user"
    LIBRARY = "library"
    OURS = "ours"


class Origins:
    """Names files from the project's point of view."""

    def __init__(self, file: str, project_dir: str) -> None:
        self._file = file
        self._project = os.path.normpath(project_dir) + os.sep
        paths = sysconfig.get_paths()
        places = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")} | set(
            _library_prefixes()
        )
        self._libraries = tuple(os.path.normpath(place) + os.sep for place in places)

    def kind(self, name: str) -> Kind:
        """Who wrote the file of a frame. A `.venv` within the project is not the user's code."""
        if name.startswith(_OURS):
            return Kind.OURS
        if name.partition(MARK)[0] == self._file:
            return Kind.USER
        if name.startswith("<frozen ") or "site-packages" in name or "dist-packages" in name:
            return Kind.LIBRARY
        if name.startswith(self._libraries) or not (os.path.isabs(name) or name.startswith("<")):
            return (
                Kind.LIBRARY
            )  # relative names are those of compiled extensions: "pyarrow/table.pxi"
        return Kind.USER

    def is_in_project(self, module: str) -> bool:
        """Whether the project has a file or folder of this name at its top, which is a module that
        could be meant.
        """
        place = os.path.join(self._project, module)
        return os.path.isdir(place) or os.path.isfile(place + ".py")

    def shown(self, name: str) -> str:
        """The name, below the project where it is there."""
        return name.removeprefix(self._project)

    def split(self, name: str) -> dict[str, str | int | None]:
        """The file and cell (`None` in a script) that a code object's file name means."""
        file, _, cell = name.rpartition(MARK)
        if not cell.isdigit():
            return {"file": self.shown(name), "cell": None}
        return {"file": self.shown(file), "cell": int(cell)}

    def with_cells(self, text: str) -> str:
        """A traceback with `File "models/a.ipynb", Cell 3, line 2` for the names under which cells
        are compiled.
        """
        return _CELL.sub(rf'File "\1"{MARK}\2, line', text)

    def place(self, name: str, line: int) -> str:
        """The short form: without the file, if it is the model's own."""
        file, _, cell = name.partition(MARK)
        if cell:
            return f"Cell {cell}, line {line}"
        return f"line {line}" if file == self._file else f"{self.shown(file)}, line {line}"


def _library_prefixes() -> list[str]:
    """Where Python itself lives, for the case of a virtual environment: its standard library is
    elsewhere.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return [os.path.join(prefix, "lib", version) for prefix in (sys.prefix, sys.base_prefix)]


# A traceback with more entries is cut in its middle.
_LONGEST = 30
# Characters of a source line in a frame.
_LONGEST_LINE = 1000

_KINDS: tuple[tuple[type[BaseException], str], ...] = (
    (FalError, "fal"),
    (SystemExit, "exit"),
    (KeyboardInterrupt, "interrupted"),
    (MemoryError, "memory"),
    (BaseException, "exception"),
)


class Places(Protocol):
    """Names the line of the user's code that runs."""

    def place(self) -> str | None:
        """The line, for a message; `None` where it is not known."""


class Reporter:
    """Knows the model's files, so that it can tell whose a frame is."""

    def __init__(self, request: Request) -> None:
        self._origins = Origins(request.file, request.project_dir)

    def describe(self, error: BaseException) -> dict[str, Any]:
        """Kind, message, traceback and frames of an error that ended the model."""
        summary = traceback.TracebackException.from_exception(error)
        frames = self._frames(summary)
        _each(summary, self._clean)
        if isinstance(error, SyntaxError) and not summary.stack:
            text = self._origins.with_cells(_text(summary.format_exception_only()))
            kind, message = "syntax", self._syntax_message(error)
        else:
            hint = self._hint(error)
            text = self._origins.with_cells(_text(summary.format())) + hint
            kind = next(name for base, name in _KINDS if isinstance(error, base))
            message = _message(error, summary) + hint
        return {"kind": kind, "message": message, "traceback": text, "frames": frames}

    def _frames(self, summary: traceback.TracebackException) -> list[dict[str, Any]]:
        """The user's lines that led to the error, the outermost first.

        A syntax error's own line is the last.
        """
        places = [(frame.filename, frame.lineno, frame.line) for frame in summary.stack]
        if (filename := getattr(summary, "filename", None)) is not None:
            places.append((filename, int(summary.lineno or 0), summary.text))
        frames = [
            {
                **self._origins.split(name),
                "line": line,
                "text": shortened((text or "").strip(), _LONGEST_LINE),
            }
            for name, line, text in places
            if line and self._origins.kind(name) is Kind.USER
        ]
        # An endless recursion has a thousand frames: keep both ends, as the traceback does.
        return (
            frames
            if len(frames) <= _LONGEST
            else frames[: _LONGEST // 2] + frames[-_LONGEST // 2 :]
        )

    def place(self) -> str | None:
        """The line of the user's code that called the worker: `line 3`, `Cell 2, line 1`,
        `helper.py, line 3`.
        """
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            name = frame.f_code.co_filename
            if self._origins.kind(name) is Kind.USER:
                return self._origins.place(name, frame.f_lineno)
            frame = frame.f_back
        return None

    def _hint(self, error: BaseException) -> str:
        """What to do about a package that is not there: where it must be depends on the Python that
        runs the code.
        """
        name = (
            (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
        )
        if not name or name in sys.modules or self._origins.is_in_project(name):
            return ""
        return (
            f"\nhelp: install the package that has the module `{name}` for {sys.executable}, "
            "or run this code in an environment of fal_project.yml that requires it."
        )

    def _clean(self, summary: traceback.TracebackException) -> None:
        """Replaces the stack by the user's part of it."""
        summary.stack = _Stack(self._of_interest(summary.stack), self._origins.shown)
        filename = getattr(summary, "filename", None)
        if filename is not None:
            summary.filename = self._origins.shown(filename)

    def _of_interest(self, frames: traceback.StackSummary) -> list[traceback.FrameSummary | int]:
        """The user's frames, and of each run of library frames the last one with the count of the
        others.

        Frames of the worker are dropped, and the libraries' frames that it called.
        """
        kept: list[traceback.FrameSummary | int] = []
        row: list[traceback.FrameSummary] = []
        below_ours = False
        for frame in frames:
            kind = self._origins.kind(frame.filename)
            if kind is Kind.LIBRARY and not below_ours:
                row.append(frame)
            elif kind is Kind.USER:
                kept += [*_collapsed(row), frame]
                row = []
            if kind is not Kind.LIBRARY:
                below_ours = kind is Kind.OURS
        return kept + _collapsed(row)

    def _syntax_message(self, error: SyntaxError) -> str:
        place = (
            f"{self._origins.shown(error.filename)}, line {error.lineno}"
            if error.filename
            else "the code"
        )
        return f"{type(error).__name__}: {error.msg} ({place})"


def _each(
    summary: traceback.TracebackException, change: Callable[[traceback.TracebackException], None]
) -> None:
    """Applies `change` to an error, to its causes, and to the errors of a group; to each once."""
    waiting: list[traceback.TracebackException | None] = [summary]
    seen = set()
    while waiting:
        error = waiting.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        change(error)
        waiting += [error.__cause__, error.__context__, *(getattr(error, "exceptions", None) or [])]


def _collapsed(row: list[traceback.FrameSummary]) -> list[traceback.FrameSummary | int]:
    if len(row) < 2:
        return [*row]
    return [len(row) - 1, row[-1]]


def _message(error: BaseException, summary: traceback.TracebackException) -> str:
    if isinstance(error, SystemExit):
        return shortened(f"SystemExit: {error.code}")
    if isinstance(error, FalError):
        return shortened(str(error))
    return _text(summary.format_exception_only())


def _text(lines: Any) -> str:
    return shortened("".join(lines).rstrip("\n"))


class _Stack(traceback.StackSummary):
    """Formats entries as `traceback` does, with the files' names as the user knows them, and short
    if they are many.
    """

    def __init__(
        self, entries: Iterable[traceback.FrameSummary | int], shown: Callable[[str], str]
    ) -> None:
        super().__init__(entries)  # type: ignore[arg-type]  # `format` is all that reads them
        self._shown = shown

    def format(self, **_: Any) -> list[str]:
        """Called by `TracebackException.format`."""
        return _shortened(_without_repeats([self._entry(entry) for entry in self]))

    def _entry(self, entry: traceback.FrameSummary | int) -> str:
        if isinstance(entry, int):
            return f"  [{entry} more frame{'s' * (entry > 1)} of libraries]\n"
        text = "".join(traceback.StackSummary.from_list([entry]).format())
        return text.replace(f'"{entry.filename}"', f'"{self._shown(entry.filename)}"', 1)


def _without_repeats(entries: list[str]) -> list[str]:
    kept: list[str] = []
    repeats = 0
    for before, entry in zip([None, *entries], entries):
        if entry == before:
            repeats += 1
            continue
        kept += _repeated(repeats) + [entry]
        repeats = 0
    return kept + _repeated(repeats)


def _repeated(count: int) -> list[str]:
    return [f"  [the same frame {count} more time{'s' * (count > 1)}]\n"] if count else []


def _shortened(entries: list[str]) -> list[str]:
    if len(entries) <= _LONGEST:
        return entries
    half = _LONGEST // 2
    return [*entries[:half], f"  [{len(entries) - 2 * half} more frames]\n", *entries[-half:]]
