{{ config(tags=["broken"]) }}
select customer, {{ "no_such_column" if var("broken") else "amount" }} as amount from {{ ref("totals") }}
