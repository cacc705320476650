{{ config(materialized='incremental', unique_key='order_id', tags='core', meta={'owner': 'bob', 'critical': false}) }}
select * from {{ ref('stg_orders') }}
