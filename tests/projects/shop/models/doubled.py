def model(dbt, session):
    dbt.config(materialized="table")
    orders = dbt.ref("stg_orders").df()
    totals = orders.groupby("customer", as_index=False)["amount"].sum()
    return totals.assign(doubled=totals["amount"] * 2)
