def model(dbt, session):
    dbt.config(materialized="table")
    return dbt.ref("totals").df().assign(doubled=lambda rows: rows["amount"] * 2)
