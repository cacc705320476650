"""Converts any data that the user writes to a stream of Arrow batches.

Imports no library that the user's data does not come from.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .error import FalError
from .object_values import refusal

if TYPE_CHECKING:
    from .json_columns import JsonColumns

_LARGE = ("Int128", "UInt128")


def _with_arrow_dtypes(frame: Any) -> Any:
    """The frame with every column in a dtype that Arrow has."""
    casts = [
        _decimal(name, frame[name])
        for name, dtype in frame.schema.items()
        if _is_large(name, dtype)
    ]
    return frame.with_columns(casts) if casts else frame


def _is_large(name: str, dtype: Any) -> bool:
    parts = set(map(_name, _parts(dtype)))
    if "Object" in parts:
        help = "Write them as text, numbers or dates."
        raise FalError(
            f"fal: column {name!r} holds Python objects, which no table can hold",
            "worker::value",
            help,
        )
    if _name(dtype) not in _LARGE and not parts.isdisjoint(_LARGE):
        what = f"holds integers of 128 bits within {dtype}, which Arrow has no type for"
        raise FalError(
            f"fal: column {name!r} {what}", "worker::value", "Cast them to Int64, or to text."
        )
    return _name(dtype) in _LARGE


def _parts(dtype: Any) -> Iterator[Any]:
    """The dtype, and those that it is made of."""
    yield dtype
    inner = [field.dtype for field in getattr(dtype, "fields", [])] or [
        getattr(dtype, "inner", None)
    ]
    for each in inner:
        if each is not None:
            yield from _parts(each)


def _name(dtype: Any) -> str:
    return (dtype if isinstance(dtype, type) else type(dtype)).__name__


def _decimal(name: str, series: Any) -> Any:
    import polars

    decimals = series.cast(polars.Decimal(38, 0), strict=False)
    lost = (decimals.is_null() & series.is_not_null()).arg_true()
    if len(lost):
        what = "holds integers of more than 38 digits, which no decimal can hold"
        raise refusal(name, what, lost[0], series[lost[0]], "Cast the column to text.")
    return decimals


# A batch is about this large: enough to be fast, little enough for streams larger than memory.
_BATCH_BYTES = 16 << 20
_BATCH_ROWS = 122_880

_ACCEPTED = (
    "a pandas or polars DataFrame, a polars LazyFrame, a pyarrow Table, RecordBatch or RecordBatchReader, a DuckDB "
    "relation, an object with __arrow_c_stream__, or a generator of these"
)


def reader(function: str, data: Any, json: JsonColumns | None = None) -> Any:
    """A `pyarrow.RecordBatchReader` over `data`; raises `FalError` naming the type if it cannot be.

    `json` says which columns of objects in pandas become JSON.
    """
    import pyarrow

    stream = _single(data, json)
    if stream is None and hasattr(type(data), "__next__"):
        stream = _chained(function, data, json)
    if stream is None:
        raise FalError(
            f"fal: {function} does not take {_describe(data)}", help=f"It takes {_ACCEPTED}."
        )
    return _normalised(stream) if isinstance(stream, pyarrow.RecordBatchReader) else stream


def _single(data: Any, json: JsonColumns | None) -> Any:
    """A reader over one frame; `None` for any other object."""
    import pyarrow

    if isinstance(data, pyarrow.RecordBatchReader):
        return data
    if isinstance(data, pyarrow.RecordBatch):
        data = pyarrow.Table.from_batches([data])
    if isinstance(data, pyarrow.Table):
        return _table_reader(data)
    if _is_a(data, "pandas", "DataFrame"):
        from . import pandas_frames

        return _table_reader(pandas_frames.to_arrow(data, json))
    if _is_a(data, "polars", "LazyFrame"):
        data = data.collect()
    if _is_a(data, "polars", "DataFrame"):
        return _polars_reader(data)
    if _is_series(data):
        return None
    return _capsule_reader(data)


def _is_a(data: Any, library: str, name: str) -> bool:
    """Whether the object is of a class, by name: the user may have replaced `pandas.DataFrame`."""
    return any(
        base.__name__ == name and base.__module__.partition(".")[0] == library
        for base in type(data).__mro__
    )


def _is_series(data: Any) -> bool:
    return _is_a(data, "pandas", "Series") or _is_a(data, "polars", "Series")


def _table_reader(table: Any) -> Any:
    per_row = table.nbytes / max(table.num_rows, 1)
    rows = max(1, min(_BATCH_ROWS, int(_BATCH_BYTES / max(per_row, 0.001))))
    return table.to_reader(max_chunksize=rows)


def _polars_reader(frame: Any) -> Any:
    """Slice by slice: polars' text has another layout, and a copy of the whole would double the
    memory.
    """
    import pyarrow

    frame = _with_arrow_dtypes(frame)
    schema = frame.head(0).to_arrow().schema
    rows = max(
        1,
        min(
            _BATCH_ROWS,
            int(_BATCH_BYTES / max(frame.estimated_size() / max(frame.height, 1), 0.001)),
        ),
    )
    batches = itertools.chain.from_iterable(
        part.to_arrow().to_batches() for part in frame.iter_slices(rows)
    )
    return pyarrow.RecordBatchReader.from_batches(
        schema, (_cast(batch, schema) for batch in batches)
    )


def _capsule_reader(data: Any) -> Any:
    """Through the Arrow C interface, or DuckDB's own way for releases without it."""
    import pyarrow

    if hasattr(type(data), "__arrow_c_stream__"):
        try:
            return _imported_stream(data)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError):
            return None  # an array and no table
    if hasattr(type(data), "__arrow_c_array__"):
        try:
            return _table_reader(pyarrow.Table.from_batches([pyarrow.record_batch(data)]))
        except (pyarrow.ArrowException, TypeError):
            return None
    for library in ("duckdb", "_duckdb"):
        if _is_a(data, library, "DuckDBPyRelation"):
            return data.fetch_arrow_reader(_BATCH_ROWS)
    return None


def _imported_stream(data: Any) -> Any:
    import pyarrow

    if hasattr(pyarrow.RecordBatchReader, "from_stream"):
        return pyarrow.RecordBatchReader.from_stream(data)
    return pyarrow.RecordBatchReader._import_from_c_capsule(data.__arrow_c_stream__())  # pyarrow 14


def _chained(function: str, parts: Iterator[Any], json: JsonColumns | None) -> Any:
    """A reader over the parts of a generator, which all have the columns of the first."""
    import pyarrow

    try:
        first = reader(function, next(parts), json)
    except StopIteration:
        raise FalError("fal: the generator gave nothing, so the columns are not known") from None
    schema = first.schema

    def batches() -> Iterator[Any]:
        number = 1
        for part in itertools.chain([first], (reader(function, part, json) for part in parts)):
            for batch in part:
                yield _cast(batch, schema, f"part {number} of the generator")
            number += 1

    return pyarrow.RecordBatchReader.from_batches(schema, batches())


def _normalised(stream: Any) -> Any:
    """Dictionaries as their values and views as plain text: every warehouse takes those."""
    import pyarrow

    from .pandas_frames import checked_names

    checked_names(stream.schema.names)
    fields = [field.with_type(_plain(field.type)) for field in stream.schema]
    schema = pyarrow.schema(fields)
    if schema.equals(stream.schema):
        return stream
    return pyarrow.RecordBatchReader.from_batches(
        schema, (_cast(batch, schema) for batch in stream)
    )


def _plain(kind: Any) -> Any:
    import pyarrow
    from pyarrow import types

    if types.is_dictionary(kind):
        return _plain(kind.value_type)
    if getattr(types, "is_string_view", lambda _: False)(kind):
        return pyarrow.large_string()
    if getattr(types, "is_binary_view", lambda _: False)(kind):
        return pyarrow.large_binary()
    return kind


def _cast(batch: Any, schema: Any, what: str = "the data") -> Any:
    """The batch with exactly the columns and types of `schema`."""
    import pyarrow

    from .casts import kept

    if batch.schema.equals(schema):
        return batch
    if batch.schema.names != schema.names:
        raise FalError(
            f"fal: {what} has other columns than the first: "
            f"{batch.schema.names} instead of {schema.names}"
        )
    columns = []
    for column, field in zip(batch.columns, schema):
        try:
            columns.append(kept(column, field.type))
        except pyarrow.ArrowException:
            raise FalError(
                f"fal: column {field.name!r} of {what} is {column.type} and does not fit {field.type}"
            ) from None
    return pyarrow.RecordBatch.from_arrays(columns, schema=schema)


def _describe(data: Any) -> str:
    kind = type(data)
    module = kind.__module__.partition(".")[0]
    name = kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"
    hints = {
        "Series": "make a table of it with .to_frame()",
        "ndarray": "wrap it in pandas.DataFrame(...) with names for its columns",
        "list": "wrap it in pandas.DataFrame(...)",
        "dict": "wrap it in pandas.DataFrame(...) or pyarrow.table(...)",
        "NoneType": "a function that returns nothing, perhaps",
        "DuckDBPyConnection": "take the result of .sql(...), or add .arrow()",
    }
    hint = hints.get(kind.__name__)
    return f"{name} ({hint})" if hint else name
