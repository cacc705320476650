select * from {{ ref('board') }}
