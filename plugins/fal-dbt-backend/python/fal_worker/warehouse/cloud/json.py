"""Cloud warehouses: lists, structs and maps as JSON that every parser takes. It has no NaN and no infinity: they become null."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def json_text(array: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.types as t

    is_map = t.is_map(array.type)
    return pa.array(
        [
            None if value is None else _json(dict(value) if is_map else value)
            for value in array.to_pylist()
        ],
        pa.string(),
    )


def _json(value: Any) -> str:
    return json.dumps(_clean(value), ensure_ascii=False, allow_nan=False)


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _clean(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
