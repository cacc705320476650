def model(dbt, session):
    dbt.config(materialized="table")
    print("native models print too")
    orders = dbt.ref("orders", as_="pandas")
    return orders[orders["id"] > 90]
