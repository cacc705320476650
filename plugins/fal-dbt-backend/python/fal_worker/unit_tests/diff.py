"""The difference between rows as dbt prints it: by daff, which comes with dbt."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .compare import Compared, Row

# More rows than anyone reads, and than daff compares in a moment.
_MOST = 1000
_COLOUR = re.compile(r"\x1B(?:[@-Z\\-_]|\[[0-?]*[ -/]*[@-~])")


def rendered(compared: Compared) -> str:
    """The message of a test that failed, without colours."""
    expected, actual = compared.expected, compared.actual
    note = ""
    if max(len(expected), len(actual)) > _MOST:
        expected, actual = _without_equal(expected, actual)
        left = max(len(expected), len(actual)) - _MOST
        note = f"\n... and {left} more rows that differ\n" if left > 0 else ""
        expected, actual = expected[:_MOST], actual[:_MOST]
    table = _table(compared.columns, expected, actual)
    return f"\n\nactual differs from expected:\n\n{table}\n{note}"


def _table(columns: list[str], expected: list[Row], actual: list[Row]) -> str:
    try:
        import daff
    except ModuleNotFoundError:  # where dbt is a program elsewhere
        return _plain_table(columns, expected, actual)
    # dbt's own steps (`TestRunner._get_daff_diff` and `_render_daff_diff`), over rows that are in order already.
    flags = daff.CompareFlags()
    flags.ordered = False
    before, after = (
        daff.PythonTableView([list(columns), *map(list, rows)]) for rows in (expected, actual)
    )
    diff = daff.TableDiff(daff.Coopy.compareTables(before, after, flags).align(), flags)
    found = daff.PythonTableView([])
    diff.hilite(found)
    text = _COLOUR.sub("", daff.TerminalDiffRender().render(found))
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n"))


def _plain_table(columns: list[str], expected: list[Row], actual: list[Row]) -> str:
    """The rows of one side alone, with daff's marks."""
    missing, more = _without_equal(expected, actual)
    marked = [
        ("@@", tuple(columns)),
        *(("---", row) for row in missing),
        *(("+++", row) for row in more),
    ]
    return "".join(
        ",".join([mark, *("NULL" if value is None else value for value in row)]) + "\n"
        for mark, row in marked
    )


def _without_equal(expected: list[Row], actual: list[Row]) -> tuple[list[Row], list[Row]]:
    wanted, found = Counter(expected), Counter(actual)
    return list((wanted - found).elements()), list((found - wanted).elements())
