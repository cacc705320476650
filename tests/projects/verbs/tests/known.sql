select id from {{ ref('forecast') }} where id > 3
