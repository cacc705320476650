"""Reads a DuckDB relation as Arrow, and refuses values that Arrow would change, by column name.

DuckDB finds integers of more than 38 digits and intervals of more than 64 bits of nanoseconds while
it reads, by SQL that raises: it would let the intervals overflow. Infinite dates and timestamps are
the largest numbers of their types, so they are found in the rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.warehouse.values import UNFIT, advice, unfit, unfit_message

from .types import HUGE, cast_of, has_infinite, is_huge

if TYPE_CHECKING:
    import pyarrow as pa

_LARGEST_HUGE = "9" * 38
# A whole hour less than 2**63 nanoseconds.
_HOURS = 2_562_046
_TOO_LARGE = "an integer of more than 38 digits"


def reader_of(relation: Any, rows: int) -> pa.RecordBatchReader:
    """Streams a relation in batches of `rows` rows.

    Raises `SessionError` or an error of DuckDB, at once or while it is read."""
    huge = {
        name: str(kind) for name, kind in zip(relation.columns, relation.types) if is_huge(kind)
    }
    nested = [
        name
        for name, kind in zip(relation.columns, relation.types)
        if HUGE in (cast_of(kind) or "") and name not in huge
    ]
    columns = [_selected(name, kind) for name, kind in zip(relation.columns, relation.types)]
    if any(sql is not None for sql in columns):
        relation = relation.project(
            ", ".join(sql or _quoted(name) for name, sql in zip(relation.columns, columns))
        )
    # The older name warns on DuckDB 2.
    read = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
    try:
        return _checked(_named(read(rows), huge), nested)
    except Exception as error:  # noqa: BLE001 (raised again)
        raise _refusal(error, nested) or error from None


def _refusal(error: Exception, nested: list[str]) -> SessionError | None:
    """The refusal that an error carries: raised by the SQL of a column, or by the cast of one of
    the `nested`."""
    refusal = raised(error)
    if (
        refusal is None
        and nested
        and re.search(r"Could not cast value -?\d+ to DECIMAL", str(error))
    ):
        return unfit("` or `".join(nested), _TOO_LARGE, f"{nested[0]}::varchar")
    return refusal


def _selected(name: str, kind: Any) -> str | None:
    """The SQL that reads a column; `None` if it is read as it is."""
    column, cast = _quoted(name), cast_of(kind)
    if is_huge(kind):
        fits = (
            f"{column} between -{_LARGEST_HUGE} and {_LARGEST_HUGE}"
            if kind.id == "hugeint"
            else f"{column} <= {_LARGEST_HUGE}"
        )
        error = _error(name, _TOO_LARGE, f"{name}::double, or {name}::varchar")
        return f"case when not ({fits}) then {error} else cast({column} as {cast}) end as {column}"
    if kind.id == "interval":
        error = _error(name, f"an interval of more than {_HOURS} hours", f"{name}::varchar")
        return f"case when extract(hour from {column}) not between -{_HOURS} and {_HOURS} then {error} else {column} end as {column}"
    return f"cast({column} as {cast}) as {column}" if cast else None


def _error(name: str, what: str, instead: str) -> str:
    return raising(unfit_message(name, what), advice(instead))


def _named(reader: pa.RecordBatchReader, huge: dict[str, str]) -> pa.RecordBatchReader:
    """The same stream, with `fal.type` at the columns that were huge integers."""
    import pyarrow as pa

    if not huge:
        return reader
    fields = [
        f.with_metadata({"fal.type": huge[f.name]}) if f.name in huge else f for f in reader.schema
    ]
    schema = pa.schema(fields)
    batches = (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in reader)
    return pa.RecordBatchReader.from_batches(schema, batches)


def _checked(reader: pa.RecordBatchReader, nested: list[str]) -> pa.RecordBatchReader:
    """The same stream, without infinite dates and timestamps."""
    import pyarrow as pa

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for batch in reader:
                _check_finite(batch)
                yield batch
        except Exception as error:  # noqa: BLE001 (raised again)
            raise _refusal(error, nested) or error from None

    return pa.RecordBatchReader.from_batches(reader.schema, batches())


def _check_finite(batch: pa.RecordBatch) -> None:
    """Refuses the numbers that DuckDB takes for infinite dates and timestamps."""
    for name, array in zip(batch.schema.names, batch.columns):
        if has_infinite(array):
            raise unfit(name, "`infinity`", f"case when isfinite({name}) then {name} end")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


_ADVICE = "fal advises: "


def raising(message: str, advice: str) -> str:
    """The SQL expression that raises this. The message begins with `The column`."""
    return "error('" + f"{message} {_ADVICE}{advice}".replace("'", "''") + "')"


def raised(error: Exception) -> SessionError | None:
    """The refusal that such an expression raised; `None` for other errors."""
    message, found, advice = str(error).partition(_ADVICE)
    if not found:
        return None
    return SessionError(
        UNFIT, message[message.index("The column `") :].strip(), advice.splitlines()[0].strip()
    )
