"""Where the code of a notebook came from: its statements by cell, with the line numbers of the cell."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

# Between the file and the number of the cell, in the name under which a cell is compiled.
MARK = ", Cell "


@dataclass
class Notebook:
    """The one Python text that was made of a notebook, and for each of its lines the cell and line it came from."""

    file: str
    code: str
    lines: list[dict[str, int]]

    def name(self, cell: int) -> str:
        """The file name of a cell in code objects."""
        return f"{self.file}{MARK}{cell}"

    def origin(self, line: int | None) -> tuple[int, int]:
        """Cell and line, both from 1, of a line of the text."""
        if not self.lines:
            return 1, line or 1
        entry = self.lines[min(max((line or 1) - 1, 0), len(self.lines) - 1)]
        return entry["cell"], entry["line"]

    def sources(self) -> Iterator[tuple[str, str]]:
        """Name and text of every cell; lines that are not in the code are empty."""
        texts: dict[int, dict[int, str]] = {}
        for origin, text in zip(self.lines, self.code.split("\n")):
            texts.setdefault(origin["cell"], {})[origin["line"]] = text
        for cell, rows in texts.items():
            yield self.name(cell), "".join(rows.get(row, "") + "\n" for row in range(1, max(rows) + 1))

    def trees(self) -> Iterator[tuple[str, ast.Module]]:
        """Each cell as a tree of its own with its own line numbers, in order."""
        groups: dict[int, list[ast.stmt]] = {}
        for statement in self._parse().body:
            groups.setdefault(self.origin(_first_line(statement))[0], []).append(statement)
        for cell, body in groups.items():
            tree = ast.Module(body=body, type_ignores=[])
            self._renumber(tree)
            yield self.name(cell), tree

    def _parse(self) -> ast.Module:
        flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        try:
            return compile(self.code, self.file, "exec", flags=flags, dont_inherit=True)
        except SyntaxError as error:
            self._relocate(error)
            raise

    def _relocate(self, error: SyntaxError) -> None:
        cell, line = self.origin(error.lineno)
        if error.end_lineno is not None and error.lineno is not None:
            error.end_lineno = line + max(error.end_lineno - error.lineno, 0)
        error.filename, error.lineno = self.name(cell), line

    def _renumber(self, tree: ast.AST) -> None:
        for node in ast.walk(tree):
            if hasattr(node, "lineno"):
                node.lineno = self.origin(node.lineno)[1]
                if node.end_lineno is not None:
                    node.end_lineno = self.origin(node.end_lineno)[1]


def _first_line(statement: ast.stmt) -> int:
    """A decorated definition starts at its first decorator."""
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])
