def model(dbt, fal):
    dbt.config(materialized="incremental", unique_key="id", incremental_strategy="delete+insert")
    rows = dbt.ref("orders")
    if dbt.is_incremental:
        last = fal.sql(f"select max(id) as last from {dbt.this}")["last"][0]
        return rows[rows["id"] > last]
    return rows
