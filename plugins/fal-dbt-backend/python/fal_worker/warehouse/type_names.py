"""Whether a text is a type of a warehouse and nothing more, since it becomes part of statements."""

from __future__ import annotations

import re

# Names, numbers, and signs that stand within types; no text in single quotes, no comment, no end of a statement.
_TOKEN = re.compile(
    r"""\s+ | (?P<word>[^\W\d]\w*) | "(?:[^"\\]|"")+" | `[^`\\]+` | [0-9]+ | [,.:%] | (?P<open>[(<\[]) | (?P<close>[)>\]])""",
    re.VERBOSE,
)
_PAIRS = {"(": ")", "<": ">", "[": "]"}
# Of a column and of statements, but of no type.
_REFUSED = {
    "as", "autoincrement", "by", "cascade", "check", "collate", "constraint", "default", "delete", "drop", "from", "generated", "identity",
    "insert", "into", "key", "masking", "not", "null", "on", "policy", "primary", "references", "select", "unique", "update", "using", "where",
}  # fmt: skip


def is_type(adapter: str, text: str) -> bool:
    """By DuckDB's own parser where it is DuckDB, elsewhere by its shape; the server parses it once more in its place."""
    if adapter == "duckdb":
        from fal_worker.warehouse.duckdb.check import is_type as is_type_of_duckdb

        return is_type_of_duckdb(text)
    return _has_shape(text)


def _has_shape(text: str) -> bool:
    place, opened, began = 0, list[str](), False
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            return False
        place = token.end()
        if token["open"]:
            opened.append(_PAIRS[token["open"]])
        elif token["close"] and (not opened or opened.pop() != token["close"]):
            return False
        # A comma outside of brackets would begin something else.
        if (token[0] == "," and not opened) or (token["word"] or "").lower() in _REFUSED:
            return False
        if not began and not token[0].isspace():
            # A name comes first.
            if not (token["word"] or token[0][0] in '"`'):
                return False
            began = True
    return began and not opened
