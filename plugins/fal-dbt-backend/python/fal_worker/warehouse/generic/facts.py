"""The general path as a warehouse, and what is known of adapters that have no other."""

from __future__ import annotations

from functools import partial
from typing import Any

from fal_worker.warehouse.interface import Dialect, Facts, Warehouse


def _open(dialect: Dialect, adapter: Any) -> Warehouse:
    # Imported when it is needed: facts are looked up in every run, this path is rare.
    from .warehouse import open_warehouse

    return open_warehouse(adapter, dialect)


def generic_facts(dialect: Dialect | None = None) -> Facts:
    """The facts about an adapter that only its dialect sets apart."""
    dialect = dialect or Dialect()
    return Facts(open=partial(_open, dialect), dialect=dialect)


_SPARK = Dialect(binary="binary", zoned=None)
_SQL_SERVER = Dialect(
    binary="varbinary(max)", zoned="datetimeoffset", parameters=2_000, transactions=True
)
# By dbt's adapter type. Only SQLite was run.
KNOWN = {
    "sqlite": generic_facts(
        Dialect(zoned="text", plain_values=True, in_place=True, transactions=True, one_writer=True)
    ),
    "spark": generic_facts(_SPARK),
    "athena": generic_facts(Dialect(binary="varbinary")),
    "sqlserver": generic_facts(_SQL_SERVER),
    "fabric": generic_facts(_SQL_SERVER),
}
