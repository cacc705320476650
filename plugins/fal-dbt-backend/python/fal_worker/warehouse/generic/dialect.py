"""Any adapter: what dbt's adapters do not say of themselves, and what a statement needs to know of a warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Dialect:
    """What is so unless the table below says otherwise."""

    binary: str = "blob"
    # `None`: the adapter's type of timestamps is one of instants already.
    zoned: str | None = "timestamp with time zone"
    # How many parameters one statement may have.
    parameters: int = 30_000
    # Dates, times, decimals and booleans are bound as text and numbers.
    plain_values: bool = False
    # A table is made anew in its place, since a rename would take along what names it.
    in_place: bool = False
    # What is not committed can be rolled back, tables that were made and dropped included.
    transactions: bool = False
    # Whoever writes shuts out all others, who give up after a while.
    one_writer: bool = False
    # Columns that differ in letter case only cannot be in one table.
    folds_case: bool = True


# By the type of dbt's adapter. Only SQLite, DuckDB and PostgreSQL were run.
_KNOWN = {
    "sqlite": Dialect(
        zoned="text", plain_values=True, in_place=True, transactions=True, one_writer=True
    ),
    "postgres": Dialect(binary="bytea", transactions=True, folds_case=False),
    "duckdb": Dialect(transactions=True),
    "redshift": Dialect(binary="varbyte", transactions=True),
    "snowflake": Dialect(binary="binary"),
    "databricks": Dialect(binary="binary", zoned=None),
    "spark": Dialect(binary="binary", zoned=None),
    "trino": Dialect(binary="varbinary"),
    "athena": Dialect(binary="varbinary"),
    "sqlserver": Dialect(
        binary="varbinary(max)", zoned="datetimeoffset", parameters=2_000, transactions=True
    ),
    "fabric": Dialect(
        binary="varbinary(max)", zoned="datetimeoffset", parameters=2_000, transactions=True
    ),
}


def of(adapter: Any) -> Dialect:
    return _KNOWN.get(adapter.type(), Dialect())
