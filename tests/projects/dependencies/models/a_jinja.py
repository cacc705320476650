write_to_model(execute_sql("select max(id) as id from {{ ref('late_orders') }}"))
