{{ config(group='finance', materialized='ephemeral', enabled=true) }} select * from {{ ref('revenue') }} join {{ ref('customers') }} using (customer_id)
