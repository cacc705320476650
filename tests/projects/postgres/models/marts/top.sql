{{ config(materialized='view') }}
select customer from {{ ref('totals') }} order by amount desc limit 1
