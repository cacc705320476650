import os


def model(dbt, session):
    dbt.config(materialized="table")
    rows = dbt.ref("orders").df()
    if len(rows) > 1:
        os._exit(0)
    return rows
