select * exclude (months, span) from {{ ref('every_type') }} limit 0
