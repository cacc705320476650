"""PostgreSQL: arrays of several dimensions, which ADBC gives as one list, become lists of lists."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError

if TYPE_CHECKING:
    import pyarrow as pa


class Dimensions:
    """Of all values of one column. `lengths` is what `array_dims` says of each that has several: `[1:2][1:3]`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._depths: set[int] = set()

    def add(self, array: pa.Array, lengths: pa.Array) -> None:
        import pyarrow.compute as pc

        several = pc.is_valid(lengths)
        for text in pc.unique(lengths.drop_null()).to_pylist():
            self._depths.add(text.count("["))
        # NULL and `{}` go with any number of dimensions.
        flat = pc.and_(
            pc.invert(several), pc.fill_null(pc.greater(pc.list_value_length(array), 0), False)
        )
        if pc.any(flat).as_py():
            self._depths.add(1)
        if len(self._depths) > 1:
            told = " and ".join(map(str, sorted(self._depths)))
            raise SessionError(
                "gateway::value",
                f"The column `{self._name}` mixes arrays of {told} dimensions, for which Arrow has no type",
                f"Read it by execute_sql as text: {self._name}::text, or to_jsonb({self._name})",
            )

    @property
    def depth(self) -> int:
        return next(iter(self._depths), 1)

    def nested(self, array: pa.Array, lengths: pa.Array) -> pa.Array:
        import pyarrow as pa

        if self.depth == 1:
            return array
        type = array.type
        for _ in range(self.depth - 1):
            type = pa.list_(type)
        rows = zip(array.to_pylist(), lengths.to_pylist())
        return pa.array(
            [flat if text is None else _shaped(flat, _lengths(text)) for flat, text in rows], type
        )


def _lengths(text: str) -> list[int]:
    return [int(last) - int(first) + 1 for first, last in re.findall(r"\[(-?\d+):(-?\d+)\]", text)]


def _shaped(flat: list[Any], lengths: list[int]) -> list[Any]:
    for length in reversed(lengths[1:]):
        rest = iter(flat)
        flat = [list(islice(rest, length)) for _ in range(len(flat) // length)]
    return flat
