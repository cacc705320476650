"""The error that a model gets from the functions in its scope."""

from __future__ import annotations


class FalError(RuntimeError):
    """A model asked for something that cannot be done.

    `code` and `help` are the gateway's, where it said them.
    """

    def __init__(self, message: str, code: str | None = None, help: str | None = None) -> None:
        super().__init__(message if not help else f"{message}\n{help}")
        self.code = code
        self.help = help

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (self.args[0], self.code, self.help)


def _restore(text: str, code: str | None, help: str | None) -> FalError:
    """Unpickles: a model may raise the error in a process of `multiprocessing`."""
    error = FalError(text, code)
    error.help = help
    return error


# Shown in tracebacks as `FalError`, without our module.
FalError.__module__ = "builtins"
