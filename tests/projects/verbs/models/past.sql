select count(*) as n from {{ ref('history') }}
