select 2 as v from {{ ref('stg_customers') }}
