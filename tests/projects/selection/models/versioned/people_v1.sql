select 1 as v from {{ ref('stg_customers') }}
