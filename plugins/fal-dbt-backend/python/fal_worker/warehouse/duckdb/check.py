"""DuckDB: what a statement would do, by DuckDB's own parser, before it runs. All that is not known to be harmless is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import duckdb

from fal_worker.project.readable import Readable, folded, refused

from .functions import FUNCTIONS, TABLE_FUNCTIONS

# Query nodes, tables, and what belongs to them. Not `SHOW_REF` (describe, show, summarize), `COLUMN_DATA`, `BOUND_TABLE_REF`, `DELIM_GET`.
_QUERIES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_TABLES = {
    "BASE_TABLE",
    "SUBQUERY",
    "JOIN",
    "TABLE_FUNCTION",
    "EXPRESSION_LIST",
    "EMPTY",
    "EMPTY_FROM",
    "PIVOT",
}
_PARTS = {
    "LIMIT_MODIFIER",
    "LIMIT_PERCENT_MODIFIER",
    "ORDER_MODIFIER",
    "DISTINCT_MODIFIER",
    "ORDER_DEFAULT",
    "ASCENDING",
    "DESCENDING",
}
_EXPRESSIONS = {
    "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "LAMBDA", "LAMBDA_REF",
    "OPERATOR", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "TYPE", "WINDOW",
}  # fmt: skip
# Where a part stands in the text, and what a table is called further on.
_PLACES = {"query_location", "query_location_length"}
_CALLED = {"alias", "column_name_alias"}


class Parser:
    """An instance that holds nothing and may reach nothing, so that parsing is all it can do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection = duckdb.connect(
            ":memory:", config={"enable_external_access": "false", "threads": 1}
        )

    def statements(self, sql: str) -> list[dict[str, Any]]:
        """The trees of the statements; a `SessionError` if one is no query."""
        with self._lock:
            text = self._connection.execute("select json_serialize_sql(?)", [sql]).fetchall()[0][0]
        try:
            parsed = json.loads(text)
        except RecursionError:
            raise refused("it is nested too deeply to be checked") from None
        if parsed.get("error"):
            raise refused(
                str(parsed.get("error_message"))
                if parsed.get("error_type") == "parser"
                else "it is no single SELECT"
            )
        return [statement["node"] for statement in parsed["statements"]]


@lru_cache(maxsize=1)
def parser() -> Parser:
    """That of this process."""
    return Parser()


def check(sql: str, readable: Readable, place: Callable[[], tuple[str, str]]) -> None:
    """Refuses what is not one SELECT of readable relations. `place` gives database and schema of names that have none."""
    statements = parser().statements(sql)
    if len(statements) != 1:
        raise refused("it is no single SELECT")
    for kind, part in _parts(statements[0]):
        if kind == "function":
            _check_function(part)
        elif kind == "table":
            _check_table(part, readable, place)
        else:
            _check_table_function(part, readable)


def part_of(relation: str, part: dict[str, Any]) -> bool:
    """Whether a part of a statement is the relation with this text."""
    table = parser().statements(f"select * from {relation}")[0]["from_table"]
    one, other = (
        {name: _plain(item) for name, item in tree.items() if name not in _CALLED | _PLACES}
        for tree in (table, part)
    )
    return one == other


def is_type(text: str) -> bool:
    """Whether a text is a type, and nothing more."""
    try:
        found, known = (
            parser().statements(f"select cast(null as {kind}\n)") for kind in (text, "integer")
        )
    except Exception:  # whatever the parser makes of it
        return False
    return len(found) == 1 and _without_type(found[0]) == _without_type(known[0])


def _without_type(tree: dict[str, Any]) -> Any:
    plain = _plain(tree)
    for column in plain.get("select_list", ()):
        for name in ("cast_type", "type_expr"):
            column.pop(name, None)
    return plain


def _parts(root: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Functions, tables and table functions of a statement, all else known to be harmless. Tables of the statement itself, those of a
    WITH where it can be seen, are left out."""
    # Without recursion, since an expression may be deep.
    waiting: list[tuple[Any, frozenset[str]]] = [(root, frozenset())]
    while waiting:
        part, seen = waiting.pop()
        if isinstance(part, list):
            waiting.extend((item, seen) for item in part)
        if not isinstance(part, dict):
            continue
        _check_kind(part)
        # Of a constant it is the type, another dictionary.
        kind = part["type"] if isinstance(part.get("type"), str) else None
        if "cte_map" in part or kind in _QUERIES:
            waiting.extend(_of_query(part, seen))
            continue
        if kind == "BASE_TABLE" and "class" not in part and not _is_own(part, seen):
            yield "table", part
        if kind == "TABLE_FUNCTION":
            yield "table function", part
            waiting.extend((item, seen) for item in _arguments(part))
            continue
        if part.get("class") in ("FUNCTION", "WINDOW"):
            yield "function", part
        waiting.extend((value, seen) for value in part.values())


def _check_kind(part: dict[str, Any]) -> None:
    if "class" in part:
        if part["class"] not in _EXPRESSIONS:
            raise refused(f"it has a part that is not known here: {part['class']}")
        return
    kind = part.get("type")
    known = (
        not isinstance(kind, str)
        or kind in _QUERIES
        or kind in _TABLES
        or kind in _PARTS
        or kind.endswith("_TYPE_INFO")
    )
    if not known:
        raise refused(
            "DESCRIBE, SHOW and SUMMARIZE cannot be read"
            if kind == "SHOW_REF"
            else f"it has a part that is not known here: {kind}"
        )


def _of_query(part: dict[str, Any], seen: frozenset[str]) -> Iterator[tuple[Any, frozenset[str]]]:
    """What is in a query, each with the names that it sees. No WITH sees itself or a later one, but for the second half of a recursive one."""
    for entry in (part.get("cte_map") or {}).get("map", ()):
        yield entry["value"], seen
        seen = seen | {folded(entry["key"])}
    own = folded(part.get("cte_name") or "")
    inner = {"RECURSIVE_CTE_NODE": "right", "CTE_NODE": "child"}.get(str(part.get("type")))
    for name, value in part.items():
        if name == inner:
            yield value, seen | {own}
        elif name == "query" and inner == "child":
            yield value, seen - {own}
        elif name != "cte_map":
            yield value, seen


def _arguments(part: dict[str, Any]) -> Iterator[Any]:
    """Of a table function: all but the function itself."""
    for name, value in part.items():
        if name != "function":
            yield value
    yield from (value for value in (part.get("function") or {}).values())


def _path(table: dict[str, Any]) -> list[str]:
    parts = [table.get(name) for name in ("catalog_name", "schema_name", "table_name")]
    names = [str(part) for part in parts if part]
    path = (table.get("qualified_name") or {}).get("path")
    if path is not None and path != names:
        raise refused(f"`{'.'.join(path)}` has more parts than a table")
    return names


def _is_own(table: dict[str, Any], seen: frozenset[str]) -> bool:
    names = _path(table)
    return len(names) == 1 and folded(names[0]) in seen


def _check_table(
    table: dict[str, Any], readable: Readable, place: Callable[[], tuple[str, str]]
) -> None:
    names = _path(table)
    if len(names) == 3:
        meant = [names]
    elif len(names) == 2:
        # DuckDB takes the first for a schema or for a database, whichever there is.
        meant = [[place()[0], *names], [names[0], "main", names[1]]]
    else:
        meant = [[*place(), *names]]
    if any(readable.allows((database, schema, name)) for database, schema, name in meant):
        return
    if not readable.is_external(lambda text: part_of(text, table)):
        raise readable.unknown(".".join(names))


def _check_table_function(table: dict[str, Any], readable: Readable) -> None:
    name = folded((table.get("function") or {}).get("function_name") or "")
    if name not in TABLE_FUNCTIONS and not readable.is_external(lambda text: part_of(text, table)):
        raise refused(f"the table function `{name}` may not be called")


def _check_function(part: dict[str, Any]) -> None:
    name = folded(part.get("function_name") or "")
    is_sign = not any(letter.isalnum() or letter == "_" for letter in name)
    if not is_sign and name not in FUNCTIONS and name != "!__postfix":
        raise refused(f"the function `{name}` may not be called")


def _plain(value: Any) -> Any:
    """A tree without where its parts stand in the text, and without what is not set."""
    if isinstance(value, dict):
        items = ((name, _plain(item)) for name, item in value.items() if name not in _PLACES)
        return {name: item for name, item in items if item not in (None, "", [], {}, False)}
    return [_plain(item) for item in value] if isinstance(value, list) else value
