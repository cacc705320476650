"""Makes the pictures of the README and the tutorial from the example of `fal-host init`.

The terminal's picture is what the program printed, with its colours; the lineage is what
`fal-host graph` printed.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import struct
import subprocess
import tempfile
import termios
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

WIDTH = 112
THEME = TerminalTheme(
    (30, 34, 42),
    (220, 223, 228),
    [(92, 99, 112), (224, 108, 117), (152, 195, 121), (229, 192, 123)]
    + [(97, 175, 239), (198, 120, 221), (86, 182, 194), (220, 223, 228)],
)
# Rich's own form loads a font from another host.
TERMINAL = """\
<svg xmlns="http://www.w3.org/2000/svg" class="rich-terminal" viewBox="0 0 {width} {height}">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">
{matrix}
</g></g>
</svg>
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--host", "--python", "--into"):
        parser.add_argument(name, required=True, type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "shop"
        run([given.host, "init", "--example", "shop"], Path(folder))
        python = ["--python", given.python]
        printed = run([given.host, "build", *python], project)
        graph = run([given.host, "graph", "--format", "json", *python], project)
    given.into.mkdir(parents=True, exist_ok=True)
    (given.into / "build.svg").write_text(terminal("fal-host build", printed))
    (given.into / "lineage.svg").write_text(lineage(json.loads(graph)))


def run(command: list[Any], folder: Path) -> str:
    """What the command prints to a terminal. Its bar is on the other stream."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 40, WIDTH, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=theirs, stderr=subprocess.DEVNULL
    ) as process:
        os.close(theirs)
        printed = b"".join(_read(ours))
    if process.returncode:
        raise SystemExit(f"{command} failed:\n{printed.decode()}")
    return printed.decode().replace("\r\n", "\n")


def _read(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # The other end is closed.
            part = b""
        if not part:
            os.close(terminal)
            return
        yield part


def terminal(command: str, printed: str) -> str:
    """The picture of a terminal."""
    with open("/dev/null", "w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
        console.print(Text.from_ansi(printed.rstrip()))
    svg: str = console.export_svg(title="", theme=THEME, code_format=TERMINAL, unique_id="build")
    return svg


# What a box says below the name, and its colour.
KINDS = {
    "sql": ("SQL", "#0f766e"),
    "python": ("Python", "#1d4ed8"),
    "notebook": ("notebook", "#c2410c"),
}
WIDE, HIGH, APART, BETWEEN = 150, 54, 70, 30


def lineage(graph: dict[str, Any]) -> str:
    """The picture of the models: a column for each step from the first."""
    nodes = {node["unique_id"]: node for node in graph["nodes"] if node["kind"] in KINDS}
    edges = [
        (e["from"], e["to"]) for e in graph["edges"] if e["from"] in nodes and e["to"] in nodes
    ]
    places = placed(list(nodes), edges)
    rows = 1 + max(row for _, row in places.values())
    columns = 1 + max(column for column, _ in places.values())

    def at(place: tuple[int, float]) -> tuple[float, float]:
        column, row = place
        return 20 + column * (WIDE + APART), 20 + row * (HIGH + BETWEEN)

    shapes = []
    for one, other in edges:
        (x, y), end = at(places[one]), at(places[other])
        points = [(x + WIDE, y + HIGH / 2)]
        for column in range(places[one][0] + 1, places[other][0]):
            x, y = at(places[f"{one} {column}"])
            points += [(x, y + HIGH / 2), (x + WIDE, y + HIGH / 2)]
        points.append((end[0] - 7, end[1] + HIGH / 2))
        shapes.append(f'<path d="{curve(points)}" class="edge" marker-end="url(#arrow)"/>')
    for unique_id, node in nodes.items():
        x, y = at(places[unique_id])
        kind, color = KINDS[node["kind"]]
        middle = x + WIDE / 2
        shapes.append(
            f'<rect x="{x:g}" y="{y:g}" width="{WIDE}" height="{HIGH}" rx="8" fill="{color}"/>'
            f'<text x="{middle:g}" y="{y + 24:g}" class="name">{escape(node["name"])}</text>'
            f'<text x="{middle:g}" y="{y + 42:g}" class="kind">{kind}</text>'
        )
    width = 40 + columns * WIDE + (columns - 1) * APART
    height = 40 + rows * HIGH + (rows - 1) * BETWEEN
    return LINEAGE.format(width=width, height=f"{height:g}", shapes="\n".join(shapes))


def placed(nodes: list[str], edges: list[tuple[str, str]]) -> dict[str, tuple[int, float]]:
    """Column and row of each node, and of the lines `NODE COLUMN` that pass a column."""
    column: dict[str, int] = {}

    def depth(node: str) -> int:
        if node not in column:
            column[node] = max((depth(one) + 1 for one, to in edges if to == node), default=0)
        return column[node]

    columns: list[list[str]] = [[] for _ in range(1 + max(map(depth, nodes)))]
    for one, other in edges:
        for passed in range(column[one] + 1, column[other]):
            if f"{one} {passed}" not in columns[passed]:
                columns[passed].append(f"{one} {passed}")
    for node in nodes:
        columns[column[node]].append(node)
    most = max(map(len, columns))
    return {
        name: (number, row + (most - len(names)) / 2)
        for number, names in enumerate(columns)
        for row, name in enumerate(names)
    }


def curve(points: list[tuple[float, float]]) -> str:
    """A line through the points that is level at each."""
    (x, y), *rest = points
    path = f"M{x:g},{y:g}"
    for to_x, to_y in rest:
        half = (x + to_x) / 2
        path += f" C{half:g},{y:g} {half:g},{to_y:g} {to_x:g},{to_y:g}"
        x, y = to_x, to_y
    return path


LINEAGE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">
<style>
.edge {{ fill: none; stroke: #64748b; stroke-width: 2; }}
text {{ font-family: system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #fff; text-anchor: middle; }}
.name {{ font-size: 16px; font-weight: 600; }}
.kind {{ font-size: 12px; }}
</style>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="5" markerHeight="5" orient="auto">
<path d="M0,0 L8,4 L0,8 z" fill="#64748b"/></marker></defs>
<rect width="{width}" height="{height}" rx="10" fill="#f8fafc"/>
{shapes}
</svg>
"""


if __name__ == "__main__":
    main()
