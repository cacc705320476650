"""Prints sums of a project's tables; the order of additions may change the last digits."""

import duckdb

with duckdb.connect("bench.duckdb", read_only=True) as connection:
    for (name,) in connection.sql("select table_name from duckdb_tables() order by all").fetchall():
        columns = [row[0] for row in connection.sql(f"describe {name}").fetchall()]
        numbers = [
            f"round(sum({column}), 2)" for column in columns if column in ("amount", "trend")
        ]
        print(
            name,
            columns,
            connection.sql(f"select count(*), {', '.join(numbers)} from {name}").fetchall(),
        )
