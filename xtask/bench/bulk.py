"""Much data through one Python model, as a pandas frame and as a stream, on DuckDB and PostgreSQL.

It gives rows per second, and the peak memory of each process. Every measurement is one run, because
the runs are long. A time covers reading all rows and writing them as a new table, up to the commit,
without the start of the programs.
"""

import json

from .memory import peaks
from .programs import HERE, Bench, output, tell
from .projects import write_project
from .table import Rate, Table

# The aim for a process's memory while a model streams.
AIM = "≤ 572 MiB"
# `to_sql` writes only some ten thousand rows per second.
FEW_ROWS = 200_000

FRAME = "df = ref('wide')\nwrite_to_model(df)\n"
STREAM = """\
def batches():
    for batch in ref('wide', as_='reader'):
        yield batch

write_to_model(batches())
"""


def measure(bench: Bench, table: Table) -> None:
    wide = (HERE / "wide.sql").read_text().replace("ROWS", str(bench.bulk_rows))
    files = {"wide.sql": wide, "frame.py": FRAME, "stream.py": STREAM}
    write_project(bench.scratch / "bulk", files)
    on_duckdb(bench, table)
    on_postgres(bench, table)


def on_duckdb(bench: Bench, table: Table) -> None:
    run(bench, "duckdb", "wide")
    times = others(bench, "bulk_duckdb.py")
    rates = {form: Rate(bench.bulk_rows, times[form]) for form in ("frame", "stream")}
    for form, rate in rates.items():
        row(bench, table, "duckdb", "DuckDB", form, "DuckDB in process", rate)
    what = "DuckDB with `settings: {memory_limit: 256MB}`"
    against = "DuckDB in process, no limit"
    row(bench, table, "bounded", what, "stream", against, rates["stream"])


def on_postgres(bench: Bench, table: Table) -> None:
    run(bench, "postgres", "wide")
    few = min(FEW_ROWS, bench.bulk_rows)
    times = others(bench, "bulk_postgres.py", bench.server, str(few))
    copy, to_sql = Rate(bench.bulk_rows, times["copy"]), Rate(few, times["to_sql"])
    against = "psycopg2 COPY, CSV in a file"
    row(bench, table, "postgres", "PostgreSQL", "stream", against, copy)
    against = f"pandas `read_sql`, `to_sql`, {few} rows"
    row(bench, table, "postgres", "PostgreSQL", "frame", against, to_sql)


def row(
    bench: Bench, table: Table, target: str, place: str, form: str, name: str, other: Rate
) -> None:
    """Runs a model once and adds its rate and its memory."""
    memory = run(bench, target, form)
    results = json.loads((bench.scratch / "bulk/target/run_results.json").read_text())
    own = Rate(bench.bulk_rows, results["results"][0]["execution_time"])
    what = f"{place}: {bench.bulk_rows} rows x 8 as a {form}, read and written"
    table.rates(what, own, name, other)
    table.peaks(f"{what}: peak memory (RSS)", memory, AIM if form == "stream" else "")


def run(bench: Bench, target: str, model: str) -> dict[str, int]:
    tell(f"{target}: {model}")
    command = bench.run("--target", target, "--select", model)
    return peaks(command, bench.scratch / "bulk", PGHOST=bench.socket)


def others(bench: Bench, script: str, *args: str) -> dict[str, float]:
    """Runs the same work without fal-host and returns seconds by name."""
    tell(script)
    times: dict[str, float] = json.loads(
        output([bench.python, HERE / script, *args], bench.scratch / "bulk")
    )
    return times
