"""Notebooks that `%run` runs: their cells as Python, with IPython's syntax turned into calls.

The notebook of a model comes as Python from the notebook parser. A file that it names while it runs
does not.
"""

from __future__ import annotations

import json
import re
import tokenize
from collections.abc import Iterator

from .error import FalError
from .program import MARK, Cell

_ASSIGNED = re.compile(r"^(\s*[\w.,\s\[\]'\"]*[\w\]]\s*=\s*)([!%])(.*)$")
_ESCAPED = re.compile(r"^(\s*)(%|!!|!)(?!=)(.*)$")
_HELP = re.compile(r"^\s*(\?{1,2}\s*[\w.*%]*|[%\w.*]+\?{1,2})\s*$")
# Cells of these run in the notebook itself.
_TIMED = ("time", "timeit", "prun", "capture")


def cells(path: str) -> Iterator[Cell]:
    """The code cells of a notebook file, parsed."""
    for number, source in _sources(path):
        text = python(source)
        yield Cell.parsed(f"{path}{MARK}{number}", text)


def _sources(path: str) -> Iterator[tuple[int, str]]:
    with open(path, encoding="utf-8-sig") as file:
        text = file.read()
    try:
        notebook = json.loads(text)
        listed = (
            notebook["cells"]
            if "cells" in notebook
            else [c for s in notebook["worksheets"] for c in s["cells"]]
        )
        for number, cell in enumerate(listed, 1):
            source = cell.get("input", cell.get("source", ""))
            if cell["cell_type"] == "code":
                yield number, source if isinstance(source, str) else "".join(source)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FalError(f"fal: {path} is not a notebook: {type(error).__name__}: {error}") from None


def python(source: str) -> str:
    """A cell's source as Python, with as many lines."""
    lines = source.splitlines()
    head = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
    if head < len(lines) and lines[head].startswith("%%"):
        name, _, line = lines[head][2:].strip().partition(" ")
        body = "\n".join(lines[head + 1 :]) + "\n"
        if name in _TIMED:
            body = python(body)
        call = f"get_ipython().run_cell_magic({name!r}, {line.strip()!r}, {body!r})"
        return "\n" * head + call + "\n"
    return "\n".join(_statements(lines)) + "\n"


def _statements(lines: list[str]) -> Iterator[str]:
    """Each line, or the call that replaces it.

    Lines within brackets and strings are not statements.
    """
    at = 0
    while at < len(lines):
        end, call = _escape(lines, at)
        if call is not None:
            yield call
            yield from [""] * (end - at - 1)
        else:
            end = _end(lines, at)
            yield from lines[at:end]
        at = end


def _escape(lines: list[str], at: int) -> tuple[int, str | None]:
    """The end of the magic or shell command that begins here, and its call."""
    end, text = at + 1, lines[at]
    if _HELP.match(text):
        return end, re.match(r"\s*", text)[0] + "pass"  # type: ignore[index]
    assigned, escaped = _ASSIGNED.match(text), _ESCAPED.match(text)
    if not assigned and not escaped:
        return end, None
    while text.endswith("\\") and end < len(lines):
        text = text[:-1] + lines[end]
        end += 1
    if escaped:
        indent, sign, rest = _ESCAPED.match(text).groups()  # type: ignore[union-attr]
        return end, indent + _call(sign, rest, False)
    target, sign, rest = _ASSIGNED.match(text).groups()  # type: ignore[union-attr]
    return end, target + _call(sign, rest, True)


def _call(sign: str, rest: str, assigned: bool) -> str:
    if sign == "%":
        name, _, line = rest.strip().partition(" ")
        return f"get_ipython().run_line_magic({name!r}, {line.strip()!r})"
    function = "getoutput" if assigned or sign == "!!" else "system"
    return f"get_ipython().{function}({rest!r})"


def _end(lines: list[str], at: int) -> int:
    """The line after the logical line that begins here; the rest of the cell, if it never ends."""
    if not any(mark in lines[at] for mark in "([{\"'\\"):
        return at + 1
    rest = iter([line + "\n" for line in lines[at:]])
    try:
        for token in tokenize.generate_tokens(lambda: next(rest, "")):
            if token.type == tokenize.NEWLINE:
                return at + token.end[0]
    except (tokenize.TokenError, IndentationError, SyntaxError):
        pass
    return len(lines)
