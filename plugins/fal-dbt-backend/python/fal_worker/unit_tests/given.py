"""The given rows of a unit test as Arrow tables, without queries to the warehouse."""

from __future__ import annotations

import ast
import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from fal_worker.errors import SessionError
from fal_worker.project import resolve
from fal_worker.texts import has_jinja

from . import values
from .sql import connect
from .sql import rows as rows_of
from .types import column

if TYPE_CHECKING:
    from fal_worker.project.interface import Project


@dataclass(frozen=True)
class Given:
    """An input of a unit test: the node that it names, and its rows."""

    input: str
    node: Any
    is_this: bool
    table: pa.Table


@dataclass(frozen=True)
class Fixture:
    """An entry of `given`, or `expect`, as dbt read it."""

    input: str
    rows: Any
    format: str

    @classmethod
    def of(cls, entry: Any) -> Fixture:
        """From dbt's object, or from JSON of the manifest."""
        input, rows, format = (
            entry.get(n) if isinstance(entry, dict) else getattr(entry, n, None)
            for n in ("input", "rows", "format")
        )
        return cls(str(input or ""), rows, str(getattr(format, "value", format) or "dict"))


def all_given(project: Project, test: Any) -> list[Given]:
    """The inputs of a unit test, in their order."""
    columns = KnownColumns(project)
    model = tested_model(project, test)
    return [_given(project, test, model, Fixture.of(entry), columns) for entry in test.given]


def tested_model(project: Project, test: Any) -> Any:
    return project.manifest.nodes[test.depends_on.nodes[0]]


def input_node(project: Project, test: Any, given: Fixture) -> Any:
    """The node that an input names: `this`, `ref('orders', v=2)`, `source('raw', 'payments')`."""
    model, text = tested_model(project, test), given.input.strip()
    if text == "this":
        return model
    function, args, version = _call(text)
    if function == "ref":
        return resolve.ref(project, model, args, version)
    if function == "source":
        return resolve.source(project, model, args)
    message = f"Unit test {test.name!r} has the input {given.input!r}, which is no ref(...), no source(...) and not this"
    raise SessionError("unit_test::input", message)


def _call(text: str) -> tuple[str | None, list[Any], Any]:
    """Function, arguments and version of a call with literals."""
    try:
        call: Any = ast.parse(text, mode="eval").body
        keywords = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
        return (
            call.func.id,
            [ast.literal_eval(arg) for arg in call.args],
            keywords.get("v", keywords.get("version")),
        )
    except (SyntaxError, ValueError, AttributeError):
        return None, [], None


def _given(project: Project, test: Any, model: Any, given: Fixture, columns: KnownColumns) -> Given:
    node = input_node(project, test, given)
    if given.format == "sql":
        table = query(project, test.unique_id, str(given.rows), f"the rows of {given.input}")
    else:
        rows = given.rows or []
        _check_names(node, rows)
        table = _table(
            rows,
            columns.of(node),
            given.input,
            is_text=_is_text(given, rows),
            is_seed=_is_seed(node),
        )
    return Given(given.input, node, node is model, table)


def query(project: Project, unique_id: str, sql: str, whose: str) -> Any:
    """The rows of a fixture in SQL (`format: sql`). `whose` names the fixture in messages."""
    try:
        connection = connect()
    except ModuleNotFoundError:
        raise SessionError(
            "unit_test::no_duckdb",
            f"{whose} are given as SQL, which runs in DuckDB, and DuckDB is not installed beside dbt",
            "Install it (pip install duckdb), or give the rows as `dict` or `csv`.",
        ) from None
    import duckdb

    text = project.compile_unit_test(unique_id, sql) if has_jinja(sql) else sql
    try:
        with connection:
            return rows_of(connection, text)
    except duckdb.Error as error:
        raise SessionError("unit_test::sql", f"{whose}, in DuckDB: {error}") from None


def _is_text(given: Fixture, rows: list[dict[str, Any]]) -> bool:
    """Whether nothing has a type: CSV, or the rows that dbt took from a seed's file."""
    return given.format == "csv" or all(
        isinstance(value, str) for row in rows for value in row.values()
    )


def _is_seed(node: Any) -> bool:
    return str(getattr(node.resource_type, "value", node.resource_type)) == "seed"


def _table(
    rows: list[dict[str, Any]], known: dict[str, Column], whose: str, is_text: bool, is_seed: bool
) -> pa.Table:
    """The rows with all columns that are known of the input; NULL where a row does not give one."""
    names = _names(rows, known)
    arrays = []
    for name in names:
        given = [_value(row, name) for row in rows]
        entry = known.get(name.lower(), Column(name))
        if (is_text or is_seed) and entry.type is None:
            texts = [None if value == "" else value for value in given]
            given = (
                values.of_texts(texts, is_seed)
                if all(isinstance(v, (str, type(None))) for v in texts)
                else given
            )
        if all(value is None for value in given):
            kind = entry.kind(whose)
            arrays.append(pa.nulls(len(given), kind))
        else:
            arrays.append(column(name, given, entry.type, whose))
    return pa.table(arrays, names=names)


def _names(rows: list[dict[str, Any]], known: dict[str, Column]) -> list[str]:
    """Names by their first spelling: those of the project before those of the rows."""
    names = {key: entry.name for key, entry in known.items()}
    for row in rows:
        for name in row:
            names.setdefault(name.lower(), name)
    return list(names.values())


def _value(row: dict[str, Any], name: str) -> Any:
    if name in row:
        return row[name]
    return next((value for key, value in row.items() if key.lower() == name.lower()), None)


def _check_names(node: Any, rows: list[dict[str, Any]]) -> None:
    """dbt knows the columns from the warehouse.

    Here a contract is as sure; anything else may be incomplete.
    """
    contract = getattr(getattr(node, "config", None), "contract", None)
    if not getattr(contract, "enforced", False):
        return
    accepted = [name.lower() for name in node.columns]
    for name in (name for row in rows for name in row):
        if name.lower() not in accepted:
            raise invalid_column(name, f"'{node.name}'", accepted)


def invalid_column(name: str, fixture: str, accepted: list[str]) -> SessionError:
    """dbt's wording for an unknown column."""
    message = f"Invalid column name: '{name}' in unit test fixture for {fixture}.\nAccepted columns for {fixture} are: {accepted}"
    return SessionError("unit_test::column", message)


@dataclass
class Column:
    """The project's information about a column."""

    name: str
    type: str | None = None
    # The values that other unit tests give.
    sample: list[Any] | None = None

    def kind(self, whose: str) -> pa.DataType:
        """The type of a column that has no values."""
        if self.type is not None:
            return column(self.name, [], self.type, whose).type
        try:
            return column(self.name, self.sample or [], None, whose).type
        except SessionError:  # the test that gives it reports the problem
            return pa.null()


class KnownColumns:
    """Columns of inputs as the project declares them: schema files, `column_types` and files of
    seeds, and the rows that the unit tests of the project give for the same input.

    A model may read a column that a test leaves out.
    """

    def __init__(self, project: Project) -> None:
        self._project = project

    def of(self, node: Any) -> dict[str, Column]:
        """The columns by their lower-case names."""
        known = {
            info.name.lower(): Column(info.name, info.data_type) for info in node.columns.values()
        }
        if _is_seed(node):
            for name in _header(node):
                known.setdefault(name.lower(), Column(name))
            for name, kind in (getattr(node.config, "column_types", None) or {}).items():
                known.setdefault(name.lower(), Column(name)).type = str(kind)
        for row in self._rows(node):
            for name, value in row.items():
                entry = known.setdefault(name.lower(), Column(name))
                entry.sample = [*(entry.sample or []), value]
        return known

    def _rows(self, node: Any) -> Iterator[dict[str, Any]]:
        for test in self._project.manifest.unit_tests.values():
            for given in map(Fixture.of, test.given):
                is_listed = given.format == "dict" and isinstance(given.rows, list)
                if is_listed and node.name in given.input and self._is(node, test, given):
                    yield from given.rows

    def _is(self, node: Any, test: Any, given: Fixture) -> bool:
        try:
            return input_node(self._project, test, given) is node
        except Exception:  # noqa: BLE001 - reported when that test runs
            return False


def _header(seed: Any) -> list[str]:
    path = os.path.join(getattr(seed, "root_path", None) or "", seed.original_file_path)
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return next(
                csv.reader(file, delimiter=getattr(seed.config, "delimiter", None) or ","), []
            )
    except (OSError, UnicodeError, csv.Error):
        return []
