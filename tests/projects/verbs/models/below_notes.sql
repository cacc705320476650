select count(*) as n from {{ ref('notes') }}
