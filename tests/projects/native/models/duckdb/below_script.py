def model(dbt, session):
    dbt.config(materialized="table")
    return dbt.ref("script").filter("id > 11")
