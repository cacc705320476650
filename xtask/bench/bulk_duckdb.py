"""The same work with DuckDB alone, in one process and from one file: prints seconds by name."""

import json
import time
from collections.abc import Callable

import duckdb
import pandas  # noqa: F401  # not to be counted with the first read
import pyarrow  # noqa: F401

times: dict[str, float] = {}


def timed(name: str, read: Callable[[duckdb.DuckDBPyConnection], object]) -> None:
    connection = duckdb.connect("bench.duckdb")
    connection.execute("set enable_progress_bar = false")
    start = time.perf_counter()
    rows = read(connection.cursor())  # noqa: F841  # DuckDB finds it by its name
    connection.begin()
    connection.execute(f"create or replace table in_process_{name} as from rows")
    connection.commit()
    times[name] = time.perf_counter() - start
    connection.close()


timed("frame", lambda cursor: cursor.sql("from wide").df())
timed("stream", lambda cursor: cursor.sql("from wide").to_arrow_reader(65536))
print(json.dumps(times))
