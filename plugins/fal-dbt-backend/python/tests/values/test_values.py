"""Random columns are written unchanged or refused by name, through all steps of a model's write.

`python -m tests.values` (in the folder above `tests`) tries any number of columns, and can repeat
those of a seed.
"""

import secrets

import pytest

pytest.importorskip("dbt.adapters.duckdb")
pytest.importorskip("polars")

from values.client import WAREHOUSES, open_client
from values.command import Tally, run

COLUMNS = 300


@pytest.mark.parametrize("warehouse", WAREHOUSES)
def test_columns_are_equal_or_refused_by_name(warehouse):
    if warehouse == "postgres":
        pytest.importorskip("dbt.adapters.postgres")
        pytest.importorskip("adbc_driver_postgresql")
    tally = Tally(secrets.token_hex(4))
    print(
        f"again: python -m tests.values --warehouse {warehouse} --columns {COLUMNS} --seed {tally.seed}"
    )
    with open_client(warehouse) as at:
        run(at, tally, COLUMNS)
    assert tally.columns.total() == COLUMNS
    assert tally.faults == {}, tally.seed
