select * from {{ ref('every_type') }} limit 0
