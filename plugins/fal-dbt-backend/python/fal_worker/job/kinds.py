"""The Arrow types of columns that pandas holds as objects, remembered from reading to writing.

pandas knows a decimal, a list or a structure only as a Python object, so a table that is read and written would change its
types with the values that happen to be in it: `DECIMAL(18,3)` would become `DECIMAL(4,3)`. The types travel in `attrs` of the DataFrame,
as text, because pandas writes `attrs` to Parquet as JSON; most operations of pandas hand them on. They are a hint: one that
would change a value is passed over.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow
import pyarrow.compute as pc
from pyarrow import types

if TYPE_CHECKING:
    import pandas

_KEY = "fal_types"


def remember(frame: pandas.DataFrame, schema: pyarrow.Schema) -> None:
    """Notes the types of the columns that are objects, if each has a name of its own."""
    objects = [
        field.remove_metadata() for field, dtype in zip(schema, frame.dtypes) if dtype == object
    ]
    if objects and len(set(schema.names)) == len(schema.names):
        frame.attrs[_KEY] = base64.b64encode(
            pyarrow.schema(objects).serialize().to_pybytes()
        ).decode()


def recall(frame: pandas.DataFrame) -> dict[str, pyarrow.DataType]:
    """The types that were noted, by column."""
    text = frame.attrs.get(_KEY)
    if not isinstance(text, str):
        return {}
    with contextlib.suppress(ValueError, pyarrow.ArrowException):
        schema = pyarrow.ipc.read_schema(pyarrow.py_buffer(base64.b64decode(text)))
        return dict(zip(schema.names, schema.types))
    return {}


def restored(table: pyarrow.Table, frame: pandas.DataFrame) -> pyarrow.Table:
    """The table, with the types that were noted for columns that are still objects and hold what fits them."""
    known = recall(frame)
    for place, (field, dtype) in enumerate(zip(table.schema, frame.dtypes)):
        kind = known.get(field.name)
        if kind is None or dtype != object or kind == field.type or not _is_like(field.type, kind):
            continue
        with contextlib.suppress(pyarrow.ArrowException, TypeError, ValueError, OverflowError):
            column = pyarrow.chunked_array(
                [pyarrow.array(frame.iloc[:, place], kind, from_pandas=True)]
            )
            if _same(table.column(place), column):
                table = table.set_column(place, field.name, column)
    return table


def _same(found: pyarrow.ChunkedArray, column: pyarrow.ChunkedArray) -> bool:
    """Whether a column in the noted type has every value that was found: pyarrow makes floats narrower without a word."""
    pairs = zip(_leaves(found.combine_chunks()), _leaves(column.combine_chunks()))
    return all(types.is_null(one.type) or _equal(one, other.cast(one.type)) for one, other in pairs)


def _leaves(array: pyarrow.Array) -> Iterator[pyarrow.Array]:
    """The values that nested ones are made of; how they are nested is the same in both, since both are of the same objects."""
    if _is_list(array.type):
        yield from _leaves(array.flatten())
    elif types.is_struct(array.type):
        for part in array.flatten():
            yield from _leaves(part)
    else:
        yield array


def _equal(one: pyarrow.Array, other: pyarrow.Array) -> bool:
    """With NaN equal to itself, which it is not in Arrow."""
    if one.equals(other) or not types.is_floating(one.type):
        return one.equals(other)
    same = pc.or_(pc.equal(one, other), pc.and_(pc.is_nan(one), pc.is_nan(other)))
    return one.is_null().equals(other.is_null()) and pc.all(same, min_count=0).as_py()


def _is_like(found: pyarrow.DataType, known: pyarrow.DataType) -> bool:
    """Whether `known` is what `found` may have been before it went through Python."""
    if found == known or types.is_null(found):
        return True
    if types.is_struct(found) and types.is_struct(known):
        pairs = {field.name: field.type for field in known}
        return {field.name for field in found} == set(pairs) and all(
            _is_like(field.type, pairs[field.name]) for field in found
        )
    if _is_list(found) and _is_list(known):
        return _is_like(found.value_type, known.value_type)
    alike = (types.is_integer, types.is_floating, types.is_decimal, _is_text, _is_binary)
    return any(is_one(found) and is_one(known) for is_one in alike)


def _is_list(kind: pyarrow.DataType) -> bool:
    return types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)


def _is_text(kind: pyarrow.DataType) -> bool:
    return types.is_string(kind) or types.is_large_string(kind)


def _is_binary(kind: pyarrow.DataType) -> bool:
    return types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
