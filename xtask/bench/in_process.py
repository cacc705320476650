"""Reads and writes with DuckDB alone: `python -c ... "select ... as the rows"`."""

import sys
import time

import duckdb
import pandas  # noqa: F401  # not to be counted with the first read
import pyarrow  # noqa: F401

connection = duckdb.connect("in_process.duckdb")
connection.sql(f"create table events as {sys.argv[1]}")


def timed(name, work):
    start = time.perf_counter()
    result = work()
    print(f"BENCH {name} {time.perf_counter() - start:.6f}")
    return result


for _ in range(ROUNDS):
    data = timed("read-arrow", lambda: connection.sql("from events").to_arrow_table())
    connection.begin()
    timed(
        "write-arrow", lambda: connection.execute("create or replace table copy_arrow as from data")
    )
    connection.commit()
    data = timed("read-pandas", lambda: connection.sql("from events").df())
    connection.begin()
    timed(
        "write-pandas",
        lambda: connection.execute("create or replace table copy_pandas as from data"),
    )
    connection.commit()
