import importlib.metadata


def model(dbt, session):
    dbt.config(materialized="table", fal_environment="old")
    rows = dbt.ref("orders")  # pandas, as there is no duckdb in this environment
    return rows.assign(version=importlib.metadata.version("iniconfig"))
