select 3 as v from {{ ref('stg_customers') }}
