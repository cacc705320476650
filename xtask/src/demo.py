"""Prints the rows of the example's last model; runs in the example's folder."""

import duckdb

with duckdb.connect("jaffle_shop.duckdb", read_only=True) as connection:
    connection.sql("select * from segment_outlook order by week, segment").show(max_rows=20)
