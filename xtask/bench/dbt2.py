"""Runs over dbt 2 against dbt 2 itself, and against dbt 2 with plain scripts between its calls."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from .costs import Side, in_turns
from .programs import REPOSITORY, Bench, Words, median, tell, timed, write
from .projects import Python, models, sql_chains, write_project
from .runs import database, nothing
from .table import Table, ratio, seconds

WALL = "≤ 1.30"
CPU = "≤ 1.50"
# Writes when it starts and ends to a file: what dbt itself takes of a run.
WATCHED = """\
#!/bin/sh
echo "$(date +%s%N)" >> '{log}'
'{dbt}' "$@"
code=$?
echo "$(date +%s%N)" >> '{log}'
exit $code
"""
# The work of the Python models of one level, as a person would write it without fal-host.
SCRIPT = """\
import duckdb, pandas
connection = duckdb.connect('bench.duckdb')
for name, reads, body in {work!r}:
    names = {{'df': connection.sql(f'select * from {{reads}}').df()}}
    exec(body, names)
    made = names['df']
    connection.sql(f'create or replace table {{name}} as select * from made')
"""


def measure(bench: Bench, table: Table) -> None:
    """Measures SQL only in three sizes, the example, and Python models in two sizes."""
    for size in (6, 50, 500):
        sql_only(bench, table, size)
    example(bench, table)
    for chains in (3, 16):
        with_python(bench, table, chains)


def sql_only(bench: Bench, table: Table, size: int) -> None:
    """Builds tables in chains of five. The project is parsed before, as after any earlier run."""
    # In one folder each would make the other's parsed project invalid.
    folder, other = (bench.scratch / f"dbt2-{side}-{size}" for side in ("ours", "theirs"))
    for project in (folder, other):
        write_project(project, sql_chains(size))
    sides: list[Side] = [([bench.run_on_dbt2()], folder), ([[bench.dbt2, "run"]], other)]
    in_turns(sides, 1, nothing)
    own, dbt = in_turns(sides, bench.runs, database)
    what = f"dbt 2, {size} SQL models, unchanged project"
    table.times(f"{what}: wall", own.wall, "`dbt run`", dbt.wall, WALL)
    table.times(f"{what}: CPU", own.cpu, "`dbt run`", dbt.cpu, CPU)


def with_python(bench: Bench, table: Table, chains: int) -> None:
    """Compares with calls of dbt 2 and one plain script for each level of Python models."""
    folder = bench.scratch / f"dbt2-python-{chains}"
    work = models(chains, bench.rows)
    files = {
        f"{name}.sql" if isinstance(it, str) else f"{name}.py": it
        if isinstance(it, str)
        else it.script()
        for name, it in work.items()
    }
    write_project(folder, files)
    # For dbt alone the Python models are sources of its SQL, which it only names.
    plain = bench.scratch / f"dbt2-plain-{chains}"
    python = {name: it for name, it in work.items() if isinstance(it, Python)}
    sql = {name: it for name, it in work.items() if isinstance(it, str)}
    for name in python:
        sql = {key: text.replace(f"{{{{ ref('{name}') }}}}", name) for key, text in sql.items()}
    write_project(plain, {f"{name}.sql": text for name, text in sql.items()})
    levels = [["scored"], [name for name in python if name != "scored"]]
    for number, level in enumerate(levels):
        lines = [(name, python[name].reads, python[name].body) for name in level]
        write(plain / f"level{number}.py", SCRIPT.format(work=lines))
    dbt_run: list[str | Path] = [bench.dbt2, "run", "--select"]
    daily = [name for name in sql if name.startswith("daily_")]
    rest = [name for name in sql if name.startswith(("best_", "trend_"))]
    steps: list[Words] = [
        [*dbt_run, "events"],
        [bench.dbt2_python, "level0.py"],
        [*dbt_run, *daily],
        [bench.dbt2_python, "level1.py"],
        [*dbt_run, *rest],
    ]
    sides: list[Side] = [([bench.run_on_dbt2()], folder), (steps, plain)]
    in_turns(sides, 1, nothing)
    own, by_hand = in_turns(sides, bench.runs, database)
    what = f"dbt 2, {len(work)} nodes, {len(python)} of them Python, {bench.rows} rows"
    table.times(f"{what}: wall", own.wall, "dbt 2 and plain scripts", by_hand.wall, WALL)
    table.row(
        f"{what}: CPU",
        seconds(own.cpu),
        f"dbt 2 and plain scripts: {seconds(by_hand.cpu)}",
        ratio(own.cpu, by_hand.cpu),
    )


def example(bench: Bench, table: Table) -> None:
    """Builds the example cold, and splits its time."""
    folder = bench.scratch / "dbt2-example"
    log = bench.scratch / "dbt2-calls"
    program = bench.scratch / "watched-dbt"
    write(program, WATCHED.format(log=log, dbt=bench.dbt2))
    program.chmod(0o755)
    command: Words = [bench.host, "build", "--python", bench.dbt2_python]
    imports = "import pandas, pyarrow.flight, duckdb"
    totals, dbts, works, starts = [], [], [], []
    for _ in range(bench.runs):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(
            REPOSITORY / "examples/jaffle_shop",
            folder,
            ignore=shutil.ignore_patterns("target", "logs", "*.duckdb"),
        )
        log.unlink(missing_ok=True)
        totals.append(timed(command, folder, FAL_HOST_DBT=str(program)))
        moments = [int(line) for line in log.read_text().split()]
        calls = zip(moments[::2], moments[1::2])
        dbts.append(sum(end - begin for begin, end in calls) / 1e9)
        works.append(python_seconds(folder))
        starts.append(timed([bench.dbt2_python, "-c", imports], folder))
        tell(f"example: {totals[-1]:.3f} s, of which dbt {dbts[-1]:.3f} s")
    total = median(totals)
    parts = {
        "dbt 2": median(dbts),
        "starting Python with pandas and Flight": median(starts),
        "the models": median(works),
    }
    ours = total - sum(parts.values())
    shown = ", ".join(f"{name} {seconds(part)}" for name, part in parts.items())
    table.row(
        "dbt 2, the example, cold",
        seconds(total),
        f"{shown}, the rest {seconds(max(ours, 0))} (some of it runs side by side)",
        aim="< 1.5 s",
    )


def python_seconds(folder: Path) -> float:
    """Returns how long the Python models ran, by run_results.json."""
    results = json.loads((folder / "target/run_results.json").read_text())["results"]
    ours = [result for result in results if result["thread_id"].startswith("fal")]
    return sum(float(result["execution_time"]) for result in ours)
