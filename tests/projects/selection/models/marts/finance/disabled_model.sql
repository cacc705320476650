{{ config(enabled=false) }} select * from {{ ref('revenue') }}
