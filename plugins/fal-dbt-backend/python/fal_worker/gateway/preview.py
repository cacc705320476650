"""The write of a model that `show` runs: its first rows become part of the result, and nothing
reaches the warehouse.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError

if TYPE_CHECKING:
    from fal_worker.protocol import NodeResult

    from .model_write import WritePlan

# The rows travel to the host in one message.
_MOST_BYTES = 8 << 20


class Preview:
    """Takes the place of `model_write.ModelWrite`."""

    # No write is open: the model reads its table as it was.
    pending = None
    goes_through_dbt = False

    def __init__(self, plan: WritePlan, limit: int) -> None:
        """Keeps `limit` rows; a negative number means all."""
        self._plan, self._limit = plan, limit
        self.rows: int | None = None
        self._columns: list[str] = []
        self._kept: list[Any] = []

    @property
    def is_staged(self) -> bool:
        return self.rows is not None

    def next_attempt(self) -> Preview:
        return Preview(self._plan.next_attempt(), self._limit)

    def target(self, mode: str | None) -> tuple[Any, str]:
        """Raises for a mode that the model's materialization does not have."""
        return self._plan.target(mode)

    def stage(self, target: tuple[Any, str], reader: Any, types: dict[str, str]) -> int:
        """Reads the rows to their end, and keeps the first of them."""
        relation, _ = target
        if not reader.schema.names:
            raise SessionError(
                "gateway::no_columns", f"A frame without columns cannot become the table {relation}"
            )
        self._columns, self.rows, size = list(reader.schema.names), 0, 0
        for batch in reader:
            wanted = batch if self._limit < 0 else batch.slice(0, max(0, self._limit - self.rows))
            self.rows += batch.num_rows
            columns = [_values(column) for column in wanted.columns]
            kept = [list(row) for row in zip(*columns)]
            size += len(json.dumps(kept))
            if size > _MOST_BYTES:
                raise SessionError(
                    "gateway::preview",
                    f"The first {self.rows} rows are too much to show",
                    "Show fewer of them, with --limit.",
                )
            self._kept += kept
        return self.rows

    def undo(self) -> None:
        self._kept.clear()

    def commit(self, result: NodeResult) -> NodeResult:
        """The job's result, with the rows."""
        preview = {"columns": self._columns, "rows": self._kept}
        message = f"{self.rows} row{'s' * (self.rows != 1)}, not written"
        return {**result, "message": message, "adapter_response": {"preview": preview}}


def _values(column: Any) -> list[Any]:
    """The column as JSON has it: numbers as numbers, and what JSON does not have as text."""
    return [_value(value) for value in column.to_pylist()]


def _value(value: Any) -> Any:
    from decimal import Decimal

    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        # JSON has no NaN and no infinity.
        return value if value - value == 0 else str(value)
    if isinstance(value, (list, tuple)):
        return [_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _value(item) for key, item in value.items()}
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
