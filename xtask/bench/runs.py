"""Whole runs: `fal-host run` against `dbt run`."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from . import memory
from .costs import Side, in_turns
from .programs import HERE, Bench, output
from .projects import models, sql_chains, write_project, write_twins
from .table import Table

AIM = "≤ 0.90"
BELOW = "< 1.00"
SQL_MODELS = 50


def against_dbt(bench: Bench, table: Table) -> None:
    """Measures SQL and Python models on DuckDB, in two sizes and two states, then memory."""
    for chains in (1, 16):
        own, dbt = (bench.scratch / f"{name}-{chains}" for name in ("scripts", "native"))
        write_twins(own, dbt, chains, bench.rows)
        nodes = len(models(chains, bench.rows))
        python = len(list((own / "models").glob("*.py")))
        what = f"run, {nodes} nodes, {python} of them Python, {bench.rows} rows"
        sides: list[Side] = [([bench.run()], own), ([[bench.dbt, "run"]], dbt)]
        for clear, label in ((everything, "first parse"), (database, "warm partial parse")):
            costs = in_turns(sides, bench.runs, clear)
            table.times(f"{what}: {label}", costs[0].wall, "`dbt run`", costs[1].wall, AIM)
        compare(bench, own, dbt)
        peaks = []
        for (command,), folder in sides:
            database(folder)
            peaks.append(memory.peak(command, folder))
        table.memory(f"{what}: peak memory (PSS of all processes)", peaks[0], "`dbt run`", peaks[1])


def on_postgres(bench: Bench, table: Table) -> None:
    """Measures SQL models in chains of five, after a first run that parses the project for both."""
    folder = bench.scratch / "sql"
    first = "select i as id, i % 7 as kind from generate_series(1, 1000) as numbers(i)\n"
    files = {
        f"m{number}.sql": first
        if number % 5 == 0
        else f"select id, kind + 1 as kind from {{{{ ref('m{number - 1}') }}}}\n"
        for number in range(SQL_MODELS)
    }
    write_project(folder, files)
    target = ("--target", "postgres")
    sides: list[Side] = [
        ([bench.run(*target)], folder),
        ([[bench.dbt, "run", *target]], folder),
    ]
    in_turns(sides, 1, nothing, PGHOST=bench.socket)
    own, dbt = in_turns(sides, bench.runs, nothing, PGHOST=bench.socket)
    what = f"run on PostgreSQL, {SQL_MODELS} SQL models, warm partial parse"
    table.times(what, own.wall, "`dbt run`", dbt.wall, AIM)


def of_sql(bench: Bench, table: Table) -> None:
    """Measures SQL models alone on DuckDB: with the machine idle, then beside a busy program for
    each processor.
    """
    # In one folder each would make the other's parsed project invalid.
    own, dbt = (bench.scratch / f"sql-{name}" for name in ("own", "dbt"))
    for folder in (own, dbt):
        write_project(folder, sql_chains(SQL_MODELS))
    sides: list[Side] = [([bench.run()], own), ([[bench.dbt, "run"]], dbt)]
    in_turns(sides, 1, nothing)
    for state, around in (("idle", contextlib.nullcontext), ("busy", busy)):
        with around():
            costs = in_turns(sides, bench.runs, database)
        what = f"run, {SQL_MODELS} SQL models alone, {state} machine"
        table.times(f"{what}: wall", costs[0].wall, "`dbt run`", costs[1].wall, BELOW)
        table.times(f"{what}: CPU", costs[0].cpu, "`dbt run`", costs[1].cpu, BELOW)


@contextlib.contextmanager
def busy() -> Iterator[None]:
    """While active, a program for each processor computes."""
    loop = [sys.executable, "-c", "while True: pass"]
    programs = [subprocess.Popen(loop) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def nothing(_: Path) -> None:
    """Keeps what an earlier run left."""


def database(folder: Path) -> None:
    """Removes the tables of an earlier run; the parsed project stays."""
    for file in ("bench.duckdb", "bench.duckdb.wal"):
        (folder / file).unlink(missing_ok=True)


def everything(folder: Path) -> None:
    """Removes all that an earlier run left, so that the project is parsed for the first time."""
    database(folder)
    shutil.rmtree(folder / "target", ignore_errors=True)


def compare(bench: Bench, own: Path, dbt: Path) -> None:
    """Ends the benchmark if the results differ, because then the times mean nothing."""
    results = [output([bench.python, HERE / "sums.py"], folder) for folder in (own, dbt)]
    if results[0] != results[1]:
        raise SystemExit(
            "error: the projects hold different results"
            f"\n--- fal-host\n{results[0]}--- dbt\n{results[1]}"
        )
