select * from {{ source('events', 'clicks') }} union all select * from {{ source('events', 'views') }}
