"""Facts about PostgreSQL. Importing them does not import its driver."""

from __future__ import annotations

from typing import Any

from fal_worker.warehouse.dtypes import SqlTypes, names
from fal_worker.warehouse.interface import Dialect, Facts, Warehouse


def _open(adapter: Any) -> Warehouse:
    from .warehouse import Postgres

    return Postgres(adapter)


FACTS = Facts(
    open=_open,
    types=SqlTypes(
        names(
            double="DOUBLE PRECISION", binary="BYTEA", json="JSON", uuid="UUID",
            JSONB="JSONB", INET="INET", CIDR="CIDR", MACADDR="MACADDR", HSTORE="HSTORE",
            Interval="INTERVAL", INTERVAL="INTERVAL", _AbstractInterval="INTERVAL",
        ),
        decimal=("NUMERIC", "DECIMAL({precision}, {scale})"),
        float=("REAL", "DOUBLE PRECISION"),
        array="{}[]",
    ),
    dialect=Dialect(binary="bytea", transactions=True, folds_case=False),
    appends_by_default=True,
    checks_leased=True,
)  # fmt: skip
