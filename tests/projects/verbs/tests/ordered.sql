select id from {{ ref('forecast') }} where id not in (select id from {{ ref('orders') }})
