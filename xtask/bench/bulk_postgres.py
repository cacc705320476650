"""The same work with Python's libraries for PostgreSQL.

`bulk_postgres.py ADDRESS ROWS` prints seconds by name. `copy` writes all rows from the CSV that it
read, without parsing them; `to_sql` reads and writes ROWS rows as pandas frames.
"""

import json
import sys
import tempfile
import time

import pandas
import psycopg2
import sqlalchemy

address, few = sys.argv[1:]
times = {}

with (
    psycopg2.connect(address) as connection,
    connection.cursor() as cursor,
    tempfile.TemporaryFile() as file,
):
    start = time.perf_counter()
    cursor.copy_expert("copy wide to stdout (format csv)", file)
    file.seek(0)
    cursor.execute("create table by_copy (like wide)")
    cursor.copy_expert("copy by_copy from stdin (format csv)", file)
    connection.commit()
    times["copy"] = time.perf_counter() - start

engine = sqlalchemy.create_engine(
    "postgresql+psycopg2://", creator=lambda: psycopg2.connect(address)
)
start = time.perf_counter()
frame = pandas.read_sql(f"select * from wide limit {few}", engine)
frame.to_sql("by_pandas", engine, index=False, chunksize=10_000)
times["to_sql"] = time.perf_counter() - start
print(json.dumps(times))
