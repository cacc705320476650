"""Prints the rows of a query: `query_postgres.py CONNINFO SQL`."""

import json
import sys

import psycopg2

connection = psycopg2.connect(sys.argv[1])
connection.autocommit = True
cursor = connection.cursor()
cursor.execute(sys.argv[2])
print(json.dumps(cursor.fetchall() if cursor.description else [], default=str))
