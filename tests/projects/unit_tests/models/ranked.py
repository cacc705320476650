def model(dbt, session):
    dbt.config(materialized="table", limit=2)
    orders = dbt.ref("orders").df()
    assert not dbt.is_incremental
    names = session.sql(f"select id from {dbt.ref('orders').alias}") if False else None
    top = session.sql("select id, amount from orders order by amount desc")
    return top.limit(dbt.config.get("limit"))
