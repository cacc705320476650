"""PostgreSQL: numeric, which ADBC gives as text, and Arrow's decimals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fal_worker.warehouse.unfit import unfit

if TYPE_CHECKING:
    import pyarrow as pa


def to_decimal(name: str, array: pa.Array, type: Any) -> pa.Array:
    import pyarrow as pa

    try:
        return array.cast(type)
    except pa.ArrowInvalid:
        refuse_special(name, array)
        raise


def refuse_special(name: str, array: pa.Array) -> None:
    """NaN and Infinity, which decimals do not have."""
    import pyarrow.compute as pc

    for special, text in (("nan", "NaN"), ("inf", "Infinity")):
        if pc.any(pc.match_substring(array, special)).as_py():
            raise unfit(
                name,
                f"the numeric `{text}`",
                f"nullif({name}, '{text}'), or {name}::double precision",
            )


class Digits:
    """How many digits a column has before and behind the point."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._before = self._behind = 0

    def add(self, array: pa.Array) -> None:
        import pyarrow.compute as pc

        refuse_special(self._name, array)
        text = pc.utf8_ltrim(array, "-")
        point = pc.find_substring(text, ".")
        length = pc.binary_length(text)
        whole = pc.less(point, 0)
        self._before = max(self._before, pc.max(pc.if_else(whole, length, point)).as_py() or 0)
        behind = pc.if_else(whole, 0, pc.subtract(pc.subtract(length, point), 1))
        self._behind = max(self._behind, pc.max(behind).as_py() or 0)

    @property
    def type(self) -> Any:
        """As wide as there is, so that it depends on as little as possible; text if no decimal holds all values."""
        import pyarrow as pa

        digits = self._before + self._behind
        if digits <= 38:
            return pa.decimal128(38, self._behind)
        return pa.decimal256(76, self._behind) if digits <= 76 else pa.string()
