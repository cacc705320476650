"""Facts about DuckDB. Importing them does not import DuckDB."""

from __future__ import annotations

from typing import Any

from fal_worker.warehouse.dtypes import SqlTypes, names
from fal_worker.warehouse.interface import Dialect, Facts, Warehouse


def _open(adapter: Any) -> Warehouse:
    from .warehouse import DuckDB

    return DuckDB(adapter)


def _is_type(text: str) -> bool:
    from .check import is_type

    return is_type(text)


FACTS = Facts(
    open=_open,
    types=SqlTypes(
        names(
            double="DOUBLE", binary="BLOB", json="JSON", uuid="UUID",
            TINYINT="TINYINT", HUGEINT="HUGEINT", UTINYINT="UTINYINT", USMALLINT="USMALLINT", UINTEGER="UINTEGER", UBIGINT="UBIGINT",
            BIT="BIT", Interval="INTERVAL", INTERVAL="INTERVAL", _AbstractInterval="INTERVAL",
        ),
        # As wide as there is: DuckDB would take DECIMAL for 18 digits, three of them a fraction.
        decimal=("DECIMAL(38, {scale})", "DECIMAL({precision}, {scale})"),
        array="{}[]",
    ),
    is_type=_is_type,
    dialect=Dialect(transactions=True),
    has_structs=True,
    appends_by_default=True,
    folds_names=True,
    takes_native_rows=True,
    checks_leased=True,
)  # fmt: skip
