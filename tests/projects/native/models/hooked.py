def model(dbt, fal):
    dbt.config(post_hook="create table if not exists hooked_rows as select 1 as n")
    return fal.execute_sql("select 7 as n", as_="reader")
