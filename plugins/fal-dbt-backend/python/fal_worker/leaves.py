"""The plain values within nested arrays of Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def leaves(arrays: Iterable[pa.Array]) -> Iterator[pa.Array]:
    """The arrays that hold no others. Unions stay whole."""
    import pyarrow as pa
    from pyarrow import types

    for array in arrays:
        kind = array.type
        if isinstance(array, pa.ExtensionArray):
            yield from leaves([array.storage])
        elif types.is_dictionary(kind):
            yield from leaves([array.dictionary])
        elif types.is_map(kind):
            yield from leaves([array.keys, array.items])
        elif types.is_struct(kind):
            # `flatten` ends the process where a field is a union.
            unions = any(types.is_union(field.type) for field in kind)
            yield from leaves(
                [array.field(place) for place in range(kind.num_fields)]
                if unions
                else array.flatten()
            )
        elif hasattr(kind, "value_type") and hasattr(array, "flatten"):
            yield from leaves([array.flatten()])
        else:
            yield array
