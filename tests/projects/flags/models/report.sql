select origin as score_from from {{ ref('score') }}
