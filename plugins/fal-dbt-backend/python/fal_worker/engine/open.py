"""Imports dbt for a session that drives it from the inside, and reports why it cannot."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError, from_exception

if TYPE_CHECKING:
    from fal_worker.protocol import OpenRequest

    from .operations import SessionOperations


@dataclass(frozen=True)
class Choice:
    """The function that makes the session, or the error that explains why there is none."""

    make: Callable[[OpenRequest, Any], SessionOperations] | None = None
    failure: SessionError | None = None


def choose() -> Choice:
    """Imports dbt, which is the longest step of a cold run."""
    problem = _import_dbt()
    if problem is not None:
        return Choice(failure=problem)
    from .session import Session

    return Choice(Session)


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
        "Run `fal-host setup`, which makes .venv with dbt-core and the adapter that your profile names, or name another Python with --python.",
    )
