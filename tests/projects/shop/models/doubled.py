def model(dbt, session):
    dbt.config(materialized="table")
    orders = dbt.ref("stg_orders")
    orders = orders.df() if hasattr(orders, "df") else orders  # DuckDB gives a relation
    totals = orders.groupby("customer", as_index=False)["amount"].sum()
    return totals.assign(doubled=totals["amount"] * 2)
