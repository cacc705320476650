"""pandas to Arrow and back. The table of types is in `read`.

pandas knows a decimal, a list or a structure only as a Python object, so a table that is read and
written would change its types with the values that happen to be in it: `DECIMAL(18,3)` would become
`DECIMAL(4,3)`. So a read notes the Arrow types of such columns in `attrs` of the DataFrame, as
text, because pandas writes `attrs` to Parquet as JSON; most operations of pandas keep them. They
are a hint: a write ignores one that would change a value.
"""

from __future__ import annotations

import base64
import contextlib
import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow
import pyarrow.compute as pc
from pyarrow import types

from . import json_columns, pandas_columns
from .error import FalError

if TYPE_CHECKING:
    import pandas

    from .json_columns import JsonColumns

_KEY = "fal_types"


def _remember_types(frame: pandas.DataFrame, schema: pyarrow.Schema) -> None:
    """Notes the types of the columns that are objects, if no two columns share a name."""
    objects = [
        field.remove_metadata() for field, dtype in zip(schema, frame.dtypes) if dtype == object
    ]
    if objects and len(set(schema.names)) == len(schema.names):
        frame.attrs[_KEY] = base64.b64encode(
            pyarrow.schema(objects).serialize().to_pybytes()
        ).decode()


def _remembered_types(frame: pandas.DataFrame) -> dict[str, pyarrow.DataType]:
    """The types that were noted, by column."""
    text = frame.attrs.get(_KEY)
    if not isinstance(text, str):
        return {}
    with contextlib.suppress(ValueError, pyarrow.ArrowException):
        schema = pyarrow.ipc.read_schema(pyarrow.py_buffer(base64.b64decode(text)))
        return dict(zip(schema.names, schema.types))
    return {}


def _with_remembered_types(table: pyarrow.Table, frame: pandas.DataFrame) -> pyarrow.Table:
    """The table, with the types that were noted for columns that are still objects and hold what
    fits them.
    """
    known = _remembered_types(frame)
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
    """Whether a column in the noted type has every value that was found: pyarrow makes floats
    narrower without a word.
    """
    pairs = zip(_leaves(found.combine_chunks()), _leaves(column.combine_chunks()))
    return all(types.is_null(one.type) or _equal(one, other.cast(one.type)) for one, other in pairs)


def _leaves(array: pyarrow.Array) -> Iterator[pyarrow.Array]:
    """The values that nested ones are made of; how they are nested is the same in both, since both
    are of the same objects.
    """
    if _is_list(array.type):
        yield from _leaves(array.flatten())
    elif types.is_struct(array.type):
        for part in array.flatten():
            yield from _leaves(part)
    else:
        yield array


def _equal(one: pyarrow.Array, other: pyarrow.Array) -> bool:
    """Whether two arrays are equal, with NaN equal to itself, which it is not in Arrow."""
    if one.equals(other) or not types.is_floating(one.type):
        return bool(one.equals(other))
    same = pc.or_(pc.equal(one, other), pc.and_(pc.is_nan(one), pc.is_nan(other)))
    return bool(one.is_null().equals(other.is_null()) and pc.all(same, min_count=0).as_py())


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
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _is_text(kind: pyarrow.DataType) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _is_binary(kind: pyarrow.DataType) -> bool:
    return bool(
        types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    )


_NULLABLE = {
    pyarrow.bool_(): "BooleanDtype",
    pyarrow.int8(): "Int8Dtype",
    pyarrow.int16(): "Int16Dtype",
    pyarrow.int32(): "Int32Dtype",
    pyarrow.int64(): "Int64Dtype",
    pyarrow.uint8(): "UInt8Dtype",
    pyarrow.uint16(): "UInt16Dtype",
    pyarrow.uint32(): "UInt32Dtype",
    pyarrow.uint64(): "UInt64Dtype",
}


def from_arrow(table: pyarrow.Table) -> pandas.DataFrame:
    """A DataFrame. Columns that pandas would make lossy floats of are converted one by one."""
    special = {place: column for place, column in enumerate(table.columns) if _is_special(column)}
    plain = table.select([place for place in range(table.num_columns) if place not in special])
    frame = _convert(plain)
    if special and not plain.num_columns:
        frame.index = range(table.num_rows)
    for place, column in special.items():
        frame.insert(
            place, table.column_names[place], _series(column, frame.index), allow_duplicates=True
        )
    _remember_types(frame, table.schema)
    return frame


def _convert(table: pyarrow.Table) -> pandas.DataFrame:
    table = table.replace_schema_metadata(None)
    try:
        return table.to_pandas(maps_as_pydicts="lossy")
    except (
        pyarrow.ArrowInvalid
    ):  # pandas 1 knows nanoseconds only, and a timestamp is out of their range
        return table.to_pandas(maps_as_pydicts="lossy", timestamp_as_object=True)


def _is_special(column: pyarrow.ChunkedArray) -> bool:
    if column.type in _NULLABLE:
        return bool(column.null_count)
    return types.is_nested(column.type) and any(_loses(chunk) for chunk in column.chunks)


def _loses(array: pyarrow.Array) -> bool:
    """Whether something within a nested column would not keep its value."""
    is_list = hasattr(array.type, "value_type")
    return any(
        (part.type in _NULLABLE and part.null_count > 0)
        or _loses_time(part.type, is_list)
        or (types.is_nested(part.type) and _loses(part))
        for part in _parts(array)
    )


def _loses_time(kind: pyarrow.DataType, in_list: bool) -> bool:
    """numpy's arrays, which lists become, know no zones; and within structures nanoseconds become
    integers.
    """
    if types.is_timestamp(kind) and kind.tz is not None:
        return True
    return not in_list and kind in (pyarrow.timestamp("ns"), pyarrow.duration("ns"))


def _parts(array: pyarrow.Array) -> list[pyarrow.Array]:
    """The arrays with the values of a nested array."""
    if isinstance(array, pyarrow.ExtensionArray):
        array = array.storage
    if types.is_struct(array.type):
        return list(array.flatten())
    if types.is_map(array.type):
        return [array.items]
    return [array.flatten()] if types.is_nested(array.type) and hasattr(array, "flatten") else []


def _series(column: pyarrow.ChunkedArray, index: Any) -> Any:
    import pandas

    if column.type in _NULLABLE:
        return pandas.Series(
            getattr(pandas, _NULLABLE[column.type])().__from_arrow__(column), index=index
        )
    return pandas.Series(_python_values(column), index=index, dtype=object)


def _python_values(column: pyarrow.ChunkedArray) -> list[Any]:
    return [_with_dictionaries(value, column.type) for value in column.to_pylist()]


def _with_dictionaries(value: Any, kind: pyarrow.DataType) -> Any:
    """Maps come as lists of pairs."""
    if value is None or not types.is_nested(kind):
        return value
    if types.is_map(kind):
        return {key: _with_dictionaries(entry, kind.item_type) for key, entry in value}
    if types.is_struct(kind):
        return {field.name: _with_dictionaries(value[field.name], field.type) for field in kind}
    if hasattr(kind, "value_type"):
        return [_with_dictionaries(entry, kind.value_type) for entry in value]
    return value


def to_arrow(frame: pandas.DataFrame, json: JsonColumns | None = None) -> pyarrow.Table:
    """A table without the index; every reason why that cannot be names the column.

    `json` says what becomes JSON.
    """
    names = column_names(frame)
    _mention_index(frame)
    if list(frame.columns) != names:
        frame = frame.set_axis(names, axis=1)
    frame = pandas_columns.plain(frame)
    arrays, fields = {}, {}
    for name in names:
        if _is_objects(frame[name]):
            texts = None if json is None else json.texts(name, frame[name].to_list())
            arrays[name] = _array(
                name, frame[name] if texts is None else frame[name].__class__(texts, dtype=object)
            )
            fields[name] = None if texts is None else json_columns.METADATA
    others = [name for name in names if name not in arrays]
    arrays.update(zip(others, _together(frame[others])))
    schema = pyarrow.schema(
        [pyarrow.field(name, arrays[name].type, metadata=fields.get(name)) for name in names]
    )
    table = pyarrow.table([arrays[name] for name in names], schema=schema)
    return _with_remembered_types(table, frame)


def _is_objects(series: Any) -> bool:
    """Whether it has other objects than text. pyarrow changes some of those, and crashes over
    others, so they are looked at first.
    """
    import pandas

    kind = pandas.api.types.infer_dtype(series, skipna=True) if series.dtype == object else "string"
    return bool(kind != "string")


def _together(frame: pandas.DataFrame) -> list[Any]:
    """Converts all columns at once, with pyarrow's threads."""
    if frame.columns.empty:
        return []
    try:
        return list(pyarrow.Table.from_pandas(frame, preserve_index=False).columns)
    except (pyarrow.ArrowException, TypeError, OverflowError, ValueError):
        return [_array(name, frame[name]) for name in frame.columns]


def column_names(frame: pandas.DataFrame) -> list[str]:
    """The names as text. Several levels, missing names and names that are there twice are refused."""
    names = []
    for place, name in enumerate(frame.columns, 1):
        if isinstance(name, tuple):
            raise FalError(
                f"fal: column {place} has a name of several levels, {name!r}; join the levels to one text"
            )
        if name is None or name != name or name == "":
            raise FalError(f"fal: column {place} of the DataFrame has no name")
        names.append(str(name))
    return checked_names(names)


def checked_names(names: list[str]) -> list[str]:
    """Refuses no columns at all, and a name that is there twice."""
    if not names:
        raise FalError("fal: the data has no columns")
    for name, count in Counter(names).items():
        if count > 1:
            raise FalError(f"fal: there are {count} columns named {name!r}")
        if any("\ud800" <= c <= "\udfff" for c in name):
            raise FalError(
                f"fal: the column name {name!r} has half of a surrogate pair, which is no character; rename the column"
            )
    return names


def _mention_index(frame: pandas.DataFrame) -> None:
    names = [str(name) for name in frame.index.names if name is not None]
    if names:
        shown = ", ".join(map(repr, names))
        print(
            f"fal: the index {shown} is not written; use reset_index() to keep it", file=sys.stderr
        )


def _array(name: str, series: Any) -> pyarrow.Array:
    if series.dtype == object:
        return pandas_columns.from_objects(name, series)
    try:
        return pyarrow.array(series, from_pandas=True)
    except (pyarrow.ArrowException, TypeError, ValueError, OverflowError):
        return pandas_columns.from_objects(name, series.astype(object))
