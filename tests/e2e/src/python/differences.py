"""Prints the differences between two databases' tables: `differences.py ONE OTHER SCHEMA.TABLE...`.

Compares the columns' names and all rows, in any order. A table that is not there has `null` for
names, and differs also from one that is not there either. Databases differ in the widths of their
numbers and in the last digit of computed ones, so numbers are compared to nine significant digits.
"""

import datetime
import decimal
import json
import sys
from collections import Counter


def connect(address):
    kind, _, rest = address.partition(":")
    if kind == "duckdb":
        import duckdb

        connection = duckdb.connect(rest, read_only=True)
        # On a slow machine DuckDB would print a progress bar among the answers.
        connection.execute("set enable_progress_bar = false")
        return connection
    import psycopg2

    connection = psycopg2.connect(rest)
    # A table that is not there must not fail the others.
    connection.autocommit = True
    return connection.cursor()


def plain(value):
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float, decimal.Decimal)):
        return f"{float(value):.9g}"
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return str(value.astimezone(datetime.timezone.utc))
    if isinstance(value, memoryview):
        return value.tobytes().hex()
    return value.hex() if isinstance(value, bytes) else str(value)


def content(cursor, table):
    schema, name = table.split(".")
    try:
        cursor.execute(f'select * from "{schema}"."{name}"')
    except Exception as error:
        if "does not exist" not in str(error):
            raise
        return None, Counter()
    names = [column[0] for column in cursor.description]
    return names, Counter(tuple(map(plain, row)) for row in cursor.fetchall())


found = {}
one, other = (connect(address) for address in sys.argv[1:3])
for table in sys.argv[3:]:
    (names, rows), (other_names, other_rows) = content(one, table), content(other, table)
    if names != other_names or names is None:
        found[table] = [names, other_names]
    elif rows != other_rows:
        found[table] = [
            sorted(map(str, (rows - other_rows).elements()))[:3],
            sorted(map(str, (other_rows - rows).elements()))[:3],
        ]
print(json.dumps(found))
