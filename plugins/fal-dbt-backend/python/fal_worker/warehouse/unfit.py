"""The error for a value of a warehouse that Arrow has no value for."""

from __future__ import annotations

from fal_worker.errors import SessionError

CODE = "gateway::value"


def unfit(name: str, what: str, instead: str) -> SessionError:
    """Names the column, what it holds, and SQL to read in its place."""
    return SessionError(CODE, said(name, what), advice(instead))


def said(name: str, what: str) -> str:
    return (
        f"The column `{name}` holds {what}, for which Arrow, and so pandas and polars, has no value"
    )


def advice(instead: str) -> str:
    return f"Read it by execute_sql, or from a model, with other SQL in its place: {instead}"
