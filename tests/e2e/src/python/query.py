"""Rows of a query: `query.py DATABASE SQL`."""

import json
import sys

import duckdb

# A slow machine would get a progress bar among the rows.
connection = duckdb.connect(sys.argv[1])
connection.execute("set enable_progress_bar = false")
rows = connection.execute(sys.argv[2]).fetchall()
print(json.dumps(rows, default=str))
