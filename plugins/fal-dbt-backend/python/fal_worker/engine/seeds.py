"""`seed --show`: some rows of what was loaded, as dbt prints them."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable
from typing import Any


def show(results: Iterable[Any]) -> None:
    """Prints ten rows at most of each seed that was loaded."""
    for result in results:
        table = getattr(result, "agate_table", None)
        if table is None or str(getattr(result.status, "value", result.status)) == "error":
            continue
        header = f"Random sample of table: {result.node.schema}.{result.node.alias}"
        # Its default is the standard output that was there when agate was imported.
        text = io.StringIO()
        table.order_by(lambda row: random.random()).print_table(
            max_rows=10, max_columns=None, output=text
        )
        print(f"{header}\n{'-' * len(header)}\n{text.getvalue()}")
