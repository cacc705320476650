"""Runs the measurements and prints them as a table with the aims.

It never fails because of a number: the machine may be busy.
"""

import argparse
import os
import sys
from pathlib import Path

from . import bulk, data, dbt2, itself, runs
from .programs import Bench, tell
from .table import Table

PARTS = {
    "run": runs.against_dbt,
    "sql": runs.of_sql,
    "postgres": runs.on_postgres,
    "dbt2": dbt2.measure,
    "data": data.measure,
    "bulk": bulk.measure,
    "generate": itself.generate,
    "graph": itself.graph,
    "call": itself.call,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("runs", "rows", "bulk-rows", "files"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("host", "scratch"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--dbt2-python", type=Path, default=Path())
    parser.add_argument("--server", default="")
    parser.add_argument("--socket", default="")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS])
    args = parser.parse_args()
    parts = args.__dict__.pop("parts")
    bench, table = Bench(**vars(args)), Table()
    for name, measure in PARTS.items():
        if not parts or name in parts:
            tell(f"\n==> {name}")
            measure(bench, table)
    sys.stdout.write(
        f"Medians of {bench.runs} rounds, {os.cpu_count()} cores,"
        f" load at the end {os.getloadavg()[0]:.2f}."
        f" Release build; files of Python are compiled.\n\n{table}\n"
    )


main()
