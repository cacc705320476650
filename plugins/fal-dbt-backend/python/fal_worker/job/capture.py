"""What `%%capture out` leaves in `out`."""

from __future__ import annotations

import argparse
import contextlib
import io
import shlex
import sys
from collections.abc import Iterator
from typing import Any


class Captured:
    """The output of a cell, as IPython's `CapturedIO`. There is no rich output in a model, so `outputs` is empty."""

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
    """Captures the output of a cell; `line` is that of its magic. If the cell fails, what it wrote is shown: it may say
    why."""
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
