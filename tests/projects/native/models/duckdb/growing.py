def model(dbt, session):
    dbt.config(materialized="incremental", unique_key="id")
    rows = dbt.ref("orders")
    if dbt.is_incremental:
        last = session.sql(f"select max(id) as last from {dbt.this}").df()["last"].iloc[0]
        return rows.filter(f"id > {last}")
    return rows
