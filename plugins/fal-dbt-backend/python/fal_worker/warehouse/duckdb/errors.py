"""DuckDB: errors that SQL raises for one column's value, and how they are known again among all others."""

from __future__ import annotations

from fal_worker.errors import SessionError
from fal_worker.warehouse import unfit

_ADVICE = "fal advises: "


def raising(message: str, advice: str) -> str:
    """The SQL expression that raises this. The message begins with `The column`."""
    return "error('" + f"{message} {_ADVICE}{advice}".replace("'", "''") + "')"


def raised(error: Exception) -> SessionError | None:
    """What such an expression said; `None` for other errors."""
    message, found, advice = str(error).partition(_ADVICE)
    if not found:
        return None
    return SessionError(
        unfit.CODE, message[message.index("The column `") :].strip(), advice.splitlines()[0].strip()
    )
