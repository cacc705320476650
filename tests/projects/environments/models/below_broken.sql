select * from {{ ref('with_broken') }}
