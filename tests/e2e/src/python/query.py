"""Rows of a query: `query.py DATABASE SQL`."""

import json
import sys

import duckdb

rows = duckdb.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()
print(json.dumps(rows, default=str))
