"""Rows of unit tests that dbt 2 leaves in their files, or as text; dbt-core 1.x lists them in manifest.json."""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.unit_tests.given import Fixture, input_node

if TYPE_CHECKING:
    from .project import Project


def read_rows(project: Project) -> None:
    """Puts the rows of fixture files, of seeds and of CSV in place, as dbt-core does."""
    for test in project.manifest.unit_tests.values():
        for entry in test.get("given") or []:
            _read(project, test, entry)
        _read(project, test, test.get("expect") or {})


def _read(project: Project, test: Any, entry: dict[str, Any]) -> None:
    rows, path = entry.get("rows"), entry.get("fixture")
    root = project.settings.project_root
    if rows is None and path:
        rows = _text(os.path.join(root, path), test)
    elif rows is None and entry.get("input"):
        node = input_node(project, test, Fixture.of(entry))
        if node is None or node.get("resource_type") != "seed":
            return
        text = _text(os.path.join(node.get("root_path") or root, node.original_file_path), test)
        entry["rows"] = _rows(text, node.config.get("delimiter") or ",")
        return
    if isinstance(rows, str) and entry.get("format") == "csv":
        rows = _rows(rows)
    entry["rows"] = rows


def _rows(text: str, delimiter: str = ",") -> list[dict[str, Any]]:
    lines = csv.DictReader(text.strip().splitlines(), delimiter=delimiter)
    return [{name: value or None for name, value in row.items()} for row in lines]


def _text(path: str, test: Any) -> str:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return file.read()
    except (OSError, UnicodeError) as error:
        message = f"{test.unique_id}: the rows in {path} cannot be read: {error}"
        raise SessionError("unit_test::fixture", message) from None
