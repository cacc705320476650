"""Projects with the same graph and the same work: one for fal-host with scripts, one for dbt.

`events` makes the rows, `scored` passes all of them through Python, and chains of three models read
that: `daily_N` (SQL), `trend_N` (Python in every second chain) and `best_N` (SQL).
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import NamedTuple

from .programs import write

PROJECT = """\
name: bench
profile: bench
flags: {send_anonymous_usage_stats: false}
models: {bench: {+materialized: table}}
"""
POSTGRES = """\
{type: postgres, host: "{{ env_var('PGHOST') }}", port: 5432, user: fal, password: unused, \
dbname: postgres, schema: public, threads: 4}"""
PROFILES = f"""\
bench:
  target: duckdb
  outputs:
    duckdb: {{type: duckdb, path: bench.duckdb, threads: 4}}
    bounded: {{type: duckdb, path: bench.duckdb, threads: 4, settings: {{memory_limit: 256MB}}}}
    postgres: {POSTGRES}
"""
SCORED = "df['amount'] = df['amount'] * 1.19\ndf['paid'] = df['amount'] > 50\n"
TREND = """\
df = df.sort_values('day')
df['trend'] = df['amount'].rolling(7, min_periods=1).mean()
"""


class Python(NamedTuple):
    """The work of a Python model on the frame of the one that it reads."""

    reads: str
    body: str

    def script(self) -> str:
        return f"df = ref('{self.reads}')\n{self.body}write_to_model(df)\n"

    def native(self) -> str:
        body = f"df = dbt.ref('{self.reads}').df()\n{self.body}return df\n"
        return f"def model(dbt, session):\n{textwrap.indent(body, '    ')}"


def models(chains: int, rows: int) -> dict[str, str | Python]:
    """Returns the work of `2 + 3 * chains` models by name; SQL is text."""
    found: dict[str, str | Python] = {"events": events(rows), "scored": Python("events", SCORED)}
    for chain in range(chains):
        found[f"daily_{chain}"] = (
            "select cast(ordered_at as date) as day, sum(amount) as amount, count(*) as orders\n"
            "from {{ ref('scored') }}\n"
            f"where customer_id % {chains} = {chain}\ngroup by all\n"
        )
        found[f"trend_{chain}"] = (
            "select *, avg(amount) over (order by day rows 6 preceding) as trend\n"
            f"from {{{{ ref('daily_{chain}') }}}}\n"
            if chain % 2
            else Python(f"daily_{chain}", TREND)
        )
        found[f"best_{chain}"] = (
            f"select day, trend\nfrom {{{{ ref('trend_{chain}') }}}}\n"
            "order by trend desc\nlimit 10\n"
        )
    return found


def events(rows: int) -> str:
    """Returns a query for rows of six columns."""
    return f"""\
select
    cast(i as bigint) as id,
    cast(i % 5000 as integer) as customer_id,
    cast(i % 997 as double) / 7 as amount,
    timestamp '2024-01-01' + to_seconds(cast(i % 31000000 as bigint)) as ordered_at,
    'item ' || (i % 1000) as item,
    i % 3 = 0 as paid
from range({rows}) as numbers(i)
"""


def write_project(folder: Path, files: dict[str, str] | None = None) -> None:
    """Writes `dbt_project.yml`, `profiles.yml` and models by their files' names."""
    write(folder / "dbt_project.yml", PROJECT)
    write(folder / "profiles.yml", PROFILES)
    for name, text in (files or {}).items():
        write(folder / "models" / name, text)


def write_twins(own: Path, dbt: Path, chains: int, rows: int) -> None:
    """Writes the project of scripts and that of dbt's own Python models."""
    for folder, form in ((own, Python.script), (dbt, Python.native)):
        work = models(chains, rows).items()
        sql = {f"{name}.sql": it for name, it in work if isinstance(it, str)}
        python = {f"{name}.py": form(it) for name, it in work if isinstance(it, Python)}
        write_project(folder, sql | python)


def sql_chains(size: int) -> dict[str, str]:
    """Returns the files of SQL models in chains of five, each of which adds to the one before."""
    return {
        f"m{number}.sql": "select 1 as id\n"
        if number % 5 == 0
        else f"select id + 1 as id from {{{{ ref('m{number - 1}') }}}}\n"
        for number in range(size)
    }
