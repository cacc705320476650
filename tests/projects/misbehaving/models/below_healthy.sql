select count(*) as n from {{ ref('healthy') }}
