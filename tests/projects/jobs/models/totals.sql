{{ config(materialized="incremental", unique_key="customer") }}
select customer, sum(amount) as amount from {{ ref("orders") }} group by customer
