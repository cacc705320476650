import pandas


def model(dbt, session):
    dbt.config(materialized="table", tags=["native"])
    orders = dbt.ref("orders").df()
    assert isinstance(orders, pandas.DataFrame)
    print("native models print too")
    return orders.assign(id=orders["id"] * 2)
