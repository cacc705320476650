select * from {{ ref('below_notes') }} where n > 100
