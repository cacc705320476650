"""Chooses the engine that runs dbt: the in-process one, or the one that runs the `dbt` program."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError, from_exception

if TYPE_CHECKING:
    from fal_worker.protocol import OpenRequest

    from .operations import SessionOperations

# `session` or `commands`; otherwise the installed dbt decides. Set by the user, or by the
# supervisor from fal_project.yml.
VARIABLE = "FAL_HOST_DBT_ENGINE"
_NAMES = ("auto", "session", "commands")


@dataclass(frozen=True)
class Choice:
    """The function that makes the session, or the error that explains why there is none."""

    make: Callable[[OpenRequest, Any], SessionOperations] | None = None
    failure: SessionError | None = None


def choose() -> Choice:
    """Chooses an engine and imports what it needs, which is the longest step of a cold run."""
    named = os.environ.get(VARIABLE) or "auto"
    if named not in _NAMES:
        return Choice(
            failure=SessionError(
                "dbt::engine", f"{VARIABLE} is one of {', '.join(_NAMES)}, not {named}"
            )
        )
    if named == "commands":
        return _by_command("asked for", _no_program())
    problem = _import_dbt()
    if problem is None:
        from .session import Session

        return Choice(Session)
    if named == "session" or problem.code not in ("dbt::missing", "dbt::unsupported"):
        return Choice(failure=problem)
    return _by_command(problem.message, problem)


def _by_command(reason: str, otherwise: SessionError) -> Choice:
    """Chooses the `dbt` program. If there is none, the error is `otherwise`."""
    from fal_worker.engine.commands.executable import find

    try:
        program = find()
    except SessionError as error:
        return Choice(failure=error)
    if program is None:
        return Choice(failure=otherwise)

    def make(request: OpenRequest, outbox: Any) -> SessionOperations:
        from fal_worker.engine.commands.session import CommandSession

        return CommandSession(request, outbox, program, reason)

    return Choice(make)


def _no_program() -> SessionError:
    message = f"there is no `dbt` program beside {sys.executable} and none on the search path"
    return SessionError(
        "dbt::missing", message, "Install dbt, or name its program in FAL_HOST_DBT."
    )


def _import_dbt() -> SessionError | None:
    """Imports dbt. No other thread should run Python code meanwhile, since it would slow the
    import.
    """
    gc.disable()
    try:
        import dbt.cli.main  # noqa: F401

        from . import selfcheck, session  # noqa: F401

        selfcheck.check()
    except ModuleNotFoundError as error:
        return (
            _missing(error) if (error.name or "").split(".")[0] == "dbt" else from_exception(error)
        )
    except Exception as error:  # noqa: BLE001 (an unknown dbt may raise anything when it is imported)
        return from_exception(error)
    finally:
        # Imported objects are never freed, so the garbage collector need not scan them again.
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        gc.enable()
    return None


def _missing(error: ModuleNotFoundError) -> SessionError:
    if error.name not in ("dbt", "dbt.cli", "dbt.cli.main"):
        return SessionError(
            "dbt::unsupported", f"This dbt has no module {error.name}", "Use dbt-core 1.8 to 1.12."
        )
    return SessionError(
        "dbt::missing",
        f"dbt is not installed in {sys.executable}",
        "Install dbt-core and the adapter that your profile names, or name another Python with --python.",
    )
