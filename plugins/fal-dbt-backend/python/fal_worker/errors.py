"""Errors that cross the channel: a stable code, a message for the user, a hint."""

from __future__ import annotations

from typing import Any

from .texts import shortened


class SessionError(Exception):
    """An error for the user. It never carries a Python traceback."""

    def __init__(self, code: str, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.help = code, message, help

    def to_dict(self) -> dict[str, Any]:
        return {"code": self.code, "message": shortened(self.message), "help": self.help}


class Interrupted(SessionError):
    """The error of a node or job whose run was cancelled."""

    def __init__(self) -> None:
        super().__init__("dbt::interrupted", "Interrupted")


_CODES = {
    "DbtProfileError": "dbt::profile",
    "DbtProjectError": "dbt::project",
    "DbtUsageException": "dbt::usage",
    "ParsingError": "dbt::parse",
    "CompilationError": "dbt::compile",
    "FailedToConnectError": "dbt::connection",
    "DbtDatabaseError": "dbt::database",
}


_NO_FAL = (
    "A `type: fal` output is fal's own adapter, which fal-host does not need: set `target:` in profiles.yml to the output that "
    "its `db_profile` names, or name that output with --target."
)


def from_exception(error: BaseException) -> SessionError:
    """Converts an exception of dbt to an error for the channel, with dbt's own message."""
    if isinstance(error, SessionError):
        return error
    names = [cls.__name__ for cls in type(error).__mro__]
    if isinstance(error, ModuleNotFoundError):
        return SessionError(
            "dbt::missing",
            str(error),
            f"Install what provides `{error.name}` into the session's Python.",
        )
    if isinstance(error, UnicodeEncodeError):
        return SessionError(
            "gateway::text",
            "The request holds a text with half of a character (a lone surrogate), which no warehouse takes",
        )
    if "Found a cycle" in str(error):
        return SessionError("dbt::cycle", str(error))
    if "Could not find adapter type fal!" in str(error):
        return SessionError("dbt::profile", str(error), _NO_FAL)
    for name in names:
        if name in _CODES:
            return SessionError(_CODES[name], str(error))
    if "DbtBaseException" in names:
        return SessionError("dbt::error", str(error))
    return SessionError("dbt::internal", f"{type(error).__name__}: {error}")
