"""Random columns of all kinds of value: the same seed draws the same columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from . import canonical
from .arrow_columns import ARROW
from .pandas_columns import PANDAS
from .polars_columns import POLARS
from .python_values import NULLS, SCALARS

COLUMNS = 50
_ROWS = 6


@dataclass(frozen=True)
class Column:
    """A column, the kinds of value drawn for it, and its canonical forms."""

    name: str
    kinds: tuple[str, ...]
    data: Any
    given: list[Any]


@dataclass(frozen=True)
class Table:
    """Columns of one library with the same number of rows.

    With `cut`, a generator yields them in two parts.
    """

    carrier: str
    columns: tuple[Column, ...]
    form: str
    cut: int | None

    def only(self, columns: list[Column]) -> Table:
        return Table(self.carrier, tuple(columns), self.form, self.cut)

    def frame(self) -> Any:
        """The object that a model passes to `write_to_model`."""
        whole = _FRAMES[self.carrier]({column.name: column.data for column in self.columns})
        if self.cut is None:
            return whole
        return _parts(whole, self.cut)


def _parts(frame: Any, cut: int) -> Iterator[Any]:
    if isinstance(frame, pd.DataFrame):
        yield from (frame.iloc[:cut], frame.iloc[cut:])
    else:
        yield from (frame.slice(0, cut), frame.slice(cut))


def _pandas(columns: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(columns)


_FRAMES = {"pandas": _pandas, "polars": pl.DataFrame, "pyarrow": pa.table}
_CARRIERS = ("pandas objects", "pandas objects", "pandas", "polars", "pyarrow")
_FORMS = ("arrow", "pandas", "polars")


def kinds() -> list[str]:
    """The names of all kinds."""
    python = [f"Python: {name}" for name in SCALARS]
    return python + [f"{name}: {kind}" for name, zoo in _TYPED.items() for kind in zoo]


def draw(seed: str, number: int, width: int = COLUMNS) -> Table:
    """Draws the table with this number."""
    rng = Random(f"{seed}:{number}")
    carrier, rows = rng.choice(_CARRIERS), rng.randrange(1, _ROWS + 1)
    make = _objects if carrier == "pandas objects" else lambda r, n: _typed(carrier, r, n)
    columns = []
    for place in range(width):
        names, data = make(rng, rows)
        columns.append(Column(f"col{place}x", names, data, _GIVEN[carrier.split()[0]](data)))
    cut = rng.randrange(rows + 1) if rng.random() < 0.15 else None
    return Table(carrier.split()[0], tuple(columns), rng.choice(_FORMS), cut)


def _objects(rng: Random, rows: int) -> tuple[tuple[str, ...], pd.Series]:
    """A column of one to three kinds of value, in any order, with NULLs."""
    names = rng.sample(sorted(SCALARS), rng.choice([1, 1, 2, 3]))
    nulls = rng.choice([0.0, 0.2, 0.5])
    cells = np.empty(rows, dtype=object)
    for row in range(rows):
        cells[row] = rng.choice(NULLS) if rng.random() < nulls else SCALARS[rng.choice(names)](rng)
    return tuple(f"Python: {name}" for name in names), _inferred(
        list(cells)
    ) if rng.random() < 0.5 else pd.Series(cells, dtype=object)


def _inferred(cells: list[Any]) -> pd.Series:
    """The column that pandas infers from a list, or one of objects if it can't."""
    try:
        series = pd.Series(cells)
    except Exception:  # pandas may raise anything
        series = None
    if series is not None and len(series) == len(cells):
        return series
    objects = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        objects[row] = cell
    return pd.Series(objects, dtype=object)


def _given_in_pandas(series: pd.Series) -> list[Any]:
    """The expected forms. NaN is written as NULL, except in Arrow's own columns, which have both."""
    forms = canonical.of_pandas(series)
    is_arrow = isinstance(series.dtype, pd.ArrowDtype)
    return forms if is_arrow else [canonical.without_nan(form) for form in forms]


_TYPED: dict[str, dict[str, Any]] = {"pandas": PANDAS, "polars": POLARS, "pyarrow": ARROW}
_GIVEN = {"pandas": _given_in_pandas, "polars": canonical.of_polars, "pyarrow": canonical.of_arrow}


def _typed(carrier: str, rng: Random, rows: int) -> tuple[tuple[str, ...], Any]:
    name = rng.choice(sorted(_TYPED[carrier]))
    return (f"{carrier}: {name}",), _TYPED[carrier][name](rng, rows)
