def model(dbt, session):
    dbt.config(materialized="table")
    orders = dbt.ref("orders")
    return session.sql(f"select id, amount from orders order by amount desc limit {dbt.config.get('most')}")
