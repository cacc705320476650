select id, 'one' as name from {{ ref('raw') }}
