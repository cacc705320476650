print("rows in the report:", len(execute_sql("select * from {{ this }}")))
