"""Conditions that mean the same in every warehouse: comparisons of columns with values, and words between them. For leased jobs where
no parser of the warehouse can be asked."""

from __future__ import annotations

import re

# No call, no subquery, no comment, and no text that one warehouse ends where another goes on.
_TOKEN = re.compile(
    r"""\s+ | '(?:[^'\\])*'(?!') | "(?:[^"\\])*"(?!") | `(?:[^`\\])*`(?!`) | [0-9]+(?:\.[0-9]+)? | <=|>=|<>|!=|=|<|> | [+,.%] | -(?!-) | \*(?!/)
        | (?P<word>[A-Za-z_][A-Za-z0-9_]*) | (?P<bracket>[()])""",
    re.VERBOSE,
)
_BEFORE_BRACKET = {"and", "or", "not", "in", "between", "like", "ilike", "is", "where"}
_REFUSED = {
    "select", "from", "with", "table", "values", "union", "intersect", "except", "execute", "call", "exists", "any", "all", "some", "case",
    "over", "into", "for", "limit", "order", "group", "having", "qualify", "window", "join", "lateral", "set", "returning",
}  # fmt: skip


def is_plain(condition: str) -> bool:
    """Whether it is such a condition."""
    place = depth = 0
    word: str | None = None
    while place < len(condition):
        token = _TOKEN.match(condition, place)
        if token is None:
            return False
        place = token.end()
        if token["bracket"] == "(":
            # A name ahead of it would be a call.
            if word is not None and word not in _BEFORE_BRACKET:
                return False
            depth += 1
        elif token["bracket"] == ")":
            depth -= 1
        if depth < 0 or (token["word"] or "").lower() in _REFUSED:
            return False
        if not token[0].isspace():
            # A name in quotes can be called, too.
            word = (
                token["word"].lower()
                if token["word"]
                else token[0]
                if token[0][0] in '"`'
                else None
            )
    return depth == 0
