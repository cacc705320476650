"""What fal-host does without dbt: stubs of many files, a large graph, calls of a plugin."""

import json
import re
import shutil
import sys

from .programs import REPOSITORY, Bench, Words, cargo, median, output, timed
from .projects import write_project
from .table import Table, microseconds, ratio

LIBRARY = "< 5 µs more"
PROCESS = "< 200 µs more"


def generate(bench: Bench, table: Table) -> None:
    """Measures `generate` cold (neither stubs nor a cache) and on an unchanged project."""
    folder = bench.scratch / "generate"
    files = {f"area_{number // 100}/m_{number}.py": model(number) for number in range(bench.files)}
    write_project(folder, files)
    command: Words = [bench.host, "generate"]
    cold = []
    for _ in range(bench.runs):
        for rest in ("models/fal", "target"):
            shutil.rmtree(folder / rest, ignore_errors=True)
        (folder / ".dbtignore").unlink(missing_ok=True)
        cold.append(timed(command, folder))
    # Files that were written a moment ago are read again, because they could still change.
    timed(command, folder)
    unchanged = [timed(command, folder) for _ in range(bench.runs)]
    what = f"generate, {bench.files} Python files"
    table.time(f"{what}: cold", median(cold), "≤ 1 s with the graph")
    table.time(f"{what}: unchanged", median(unchanged), "≤ 0.15 s")


def model(number: int) -> str:
    """Returns a model of some forty lines."""
    features = "".join(
        f"    frame['x{column}'] = frame['x'] ** {column} % 7\n" for column in range(25)
    )
    return f'''\
"""Model {number}."""

import pandas as pd

LIMIT = {number}


def features(frame):
{features}    return frame


orders = ref('m_{max(number - 1, 0)}')
people = source('shop', 'people_{number % 10}')
joined = orders.merge(people, on='id', how='left')
if len(joined) > LIMIT:
    write_to_model(features(joined))
else:
    write_to_model(joined)
'''


def graph(bench: Bench, table: Table) -> None:
    """Takes the lines of the benchmark of `fal-graph`, which builds, selects in and runs a graph."""
    printed = cargo("bench", "--quiet", "-p", "fal-graph", "--bench", "graph")
    found = measurements(printed)
    if not found:
        raise SystemExit(f"error: the benchmark of fal-graph printed no times: {printed}")
    for what, seconds in found:
        what = what.replace("|", "\\|")
        table.time(f"graph, 10,000 nodes: {what}", seconds)


def measurements(printed: str) -> list[tuple[str, float]]:
    """Reads lines such as `what it was     1.23 ms`."""
    lines = re.findall(r"^(.*\S) +([\d.]+) ms$", printed, re.MULTILINE)
    return [(what, float(milliseconds) / 1000) for what, milliseconds in lines]


def call(bench: Bench, table: Table) -> None:
    """Measures a call of a Python parser with a file of 2 KB: direct, and in two ways as a plugin.

    The example `door` of fal-loader measures, because only a Rust program of the workspace can call
    a stage directly. A stage that does nothing shows the cost of the call alone; with a real stage
    the analysis travels as JSON too, which is part of the cost.
    """
    for package, example in (("fal-plugin", "echo"), ("fal-loader", "door")):
        cargo("build", "--release", "--package", package, "--example", example)
    folder = bench.scratch / "door"
    folder.mkdir()
    plugin = folder / "echo.fal-plugin"
    shutil.copy(REPOSITORY / "crates/fal-plugin/python/fal_plugin.py", folder)
    shutil.copy(REPOSITORY / "crates/fal-loader/examples/echo.py", plugin)
    plugin.chmod(0o755)
    release = bench.host.parent
    parser, echo = (library(name) for name in ("fal_python_parser", "echo"))
    command = [release / "examples/door", bench.host, release / parser]
    times = json.loads(output([*command, release / "examples" / echo, plugin], REPOSITORY))
    direct = times["parse: direct"]
    for what, name, aim in (
        ("parse of 2 KB, through the library", "parse: library", LIBRARY),
        ("parse of 2 KB, library in a separate process", "parse: process", PROCESS),
    ):
        more = f"{microseconds(max(times[name] - direct, 0))} more"
        against = f"direct call: {microseconds(direct)}"
        table.row(what, more, against, ratio(times[name], direct), aim)
    json_part = "the analysis as JSON, written and read, which is part of both"
    for what, name, aim in (
        (json_part, "parse: JSON", ""),
        ("a stage that does nothing, 2 KB, through the library", "echo: library", LIBRARY),
        ("the same in a separate process", "echo: process", PROCESS),
        ("the same in Python", "echo: process, Python", PROCESS),
    ):
        table.row(what, microseconds(times[name]), aim=aim)


def library(name: str) -> str:
    return f"lib{name}.dylib" if sys.platform == "darwin" else f"lib{name}.so"
