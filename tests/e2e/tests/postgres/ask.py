"""Prints the rows of a query as text: `ask.py ADDRESS DATABASE SQL`."""

import json
import sys
from urllib.parse import urlsplit, urlunsplit

import psycopg2

address, database, sql = sys.argv[1:]
connection = psycopg2.connect(urlunsplit(urlsplit(address)._replace(path="/" + database)))
connection.autocommit = True
cursor = connection.cursor()
cursor.execute(sql)
print(json.dumps(cursor.fetchall() if cursor.description else [], default=str))
