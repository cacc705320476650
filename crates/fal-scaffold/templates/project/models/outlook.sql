-- What was, and what is to be expected
select day, orders::double as orders, false as is_forecast
from {{ ref('orders') }}
union all
select day, orders, true
from {{ ref('forecast') }}
