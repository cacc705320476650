select kind, events * 2 as doubled from {{ ref('totals') }}
