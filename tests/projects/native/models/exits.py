import os


def model(dbt, fal):
    rows = dbt.ref("orders")
    if len(rows) > 1:
        os._exit(0)
    return rows
