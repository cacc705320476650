"""Rows in and out of a Python model, against DuckDB in the same process."""

import re
from collections import defaultdict

from .programs import HERE, Bench, median, output
from .projects import events, write_project
from .table import Table

AIM = "≤ 1.50"
# The measurements, by the names that both scripts print.
WORKS = {
    "read-arrow": "read as an Arrow table",
    "read-pandas": "read as a pandas frame",
    "write-arrow": "write an Arrow table, up to the commit",
    "write-pandas": "write a pandas frame, up to the commit",
}


def measure(bench: Bench, table: Table) -> None:
    own, other = times(in_models(bench)), times(in_process(bench))
    for name, label in WORKS.items():
        what = f"{label}, {bench.rows} rows x 6"
        table.times(what, median(own[name]), "DuckDB in process", median(other[name]), AIM)


def in_models(bench: Bench) -> str:
    """Runs the models. One may write only once, so there is one for each write."""
    folder = bench.scratch / "data"
    reads = (HERE / "reads.py").read_text().replace("ROUNDS", str(bench.runs))
    writes = {
        f"write_{form}_{turn}.py": (HERE / "write.py").read_text().replace("FORM", form)
        for turn in range(bench.runs)
        for form in ("arrow", "pandas")
    }
    write_project(folder, {"events.sql": events(bench.rows), "reads.py": reads} | writes)
    return output(bench.run("--threads", "1"), folder)


def in_process(bench: Bench) -> str:
    code = (HERE / "in_process.py").read_text().replace("ROUNDS", str(bench.runs))
    return output([bench.python, "-c", code, events(bench.rows)], bench.scratch)


def times(printed: str) -> dict[str, list[float]]:
    """Reads lines that end in `BENCH name seconds`."""
    found = defaultdict(list)
    for name, seconds in re.findall(r"BENCH (\S+) ([\d.]+)$", printed, re.MULTILINE):
        found[name].append(float(seconds))
    return found
