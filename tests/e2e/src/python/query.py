"""Prints the rows of a query: `query.py DATABASE SQL`."""

import json
import sys

import duckdb

# On a slow machine DuckDB would print a progress bar among the rows.
connection = duckdb.connect(sys.argv[1])
connection.execute("set enable_progress_bar = false")
rows = connection.execute(sys.argv[2]).fetchall()
print(json.dumps(rows, default=str))
