"""Reads of a part of a relation: `columns`, `where` and `limit` of a ticket, as one query."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import Any

from fal_worker.errors import SessionError
from fal_worker.texts import has_jinja
from fal_worker.warehouse.generic.connection import quoted

FIELDS = ("columns", "where", "limit")


def wanted(ticket: dict[str, Any]) -> dict[str, Any]:
    """The fields of the ticket that ask for a part, with their types checked."""
    fields = {name: ticket[name] for name in FIELDS if ticket.get(name) is not None}
    columns, where, limit = (fields.get(name) for name in FIELDS)
    if columns is not None and not (
        isinstance(columns, list) and columns and all(isinstance(name, str) for name in columns)
    ):
        raise SessionError("gateway::part", f"`columns` is a list of names, not {columns!r}")
    if where is not None and not (isinstance(where, str) and where.strip()):
        raise SessionError("gateway::part", f"`where` is a condition in SQL, not {where!r}")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        raise SessionError("gateway::part", f"`limit` is a whole number from 0, not {limit!r}")
    return fields


def is_jinja(fields: dict[str, Any]) -> bool:
    """Whether the text has Jinja to render."""
    return has_jinja(fields.get("where", ""))


def raw(text: str) -> str:
    """Escapes text so that rendering leaves it unchanged."""
    return "{% raw %}" + text + "{% endraw %}" if "{" in text else text


def query(
    adapter: Any,
    relation: str,
    fields: dict[str, Any],
    call: str,
    names: Callable[[], list[str]],
    written: Callable[[str], str],
) -> str:
    """Selects the part. `names` tells the columns of the relation, `call` how the user named it;
    `written` says how plain text is written in the query.
    """
    chosen = _chosen(fields["columns"], names(), call) if "columns" in fields else None
    columns = ", ".join(written(quoted(adapter, name)) for name in chosen) if chosen else "*"
    text = f"select {columns} from {relation}"
    if "where" in fields:
        # On separate lines, since the condition may end in a comment.
        text = f"{text} where (\n{fields['where']}\n)"
    if "limit" in fields:
        # Not every warehouse says `limit`.
        limited = adapter.execute_macro(
            "get_limit_subquery_sql", kwargs={"sql": text, "limit": fields["limit"]}
        )
        text = str(limited).strip()
    return text


def _chosen(asked: list[str], there: list[str], call: str) -> list[str]:
    """The columns as the warehouse calls them: by their exact name, else by the only one that
    differs in case alone.
    """
    return [_column(name, there, call) for name in asked]


def _column(name: str, there: list[str], call: str) -> str:
    if name in there:
        return name
    alike = [column for column in there if column.casefold() == name.casefold()]
    if len(alike) == 1:
        return alike[0]
    near = alike or difflib.get_close_matches(name, there, n=1)
    guess = f"Did you mean {' or '.join(f'`{column}`' for column in near)}? " if near else ""
    raise SessionError(
        "gateway::unknown_column",
        f"{call}: there is no column `{name}`",
        f"{guess}There are: {', '.join(there)}",
    )


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
    """Whether a condition means the same in every warehouse: comparisons of columns with values,
    and words between them.

    For leased jobs on warehouses that have no parser to check statements with.
    """
    place = depth = 0
    word: str | None = None
    while place < len(condition):
        token = _TOKEN.match(condition, place)
        if token is None:
            return False
        place = token.end()
        if token["bracket"] == "(":
            # With a name in front, the parenthesis would be a call.
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
