def model(dbt, fal):
    dbt.config(materialized="table")
    rows = dbt.ref("held_1")
    return rows.assign(amount=rows["amount"] - 1)
