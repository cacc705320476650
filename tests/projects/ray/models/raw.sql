select
    i as id,
    cast(i as double) / 10 as amount,
    case when i % 7 = 0 then null else 'name ' || i end as name,
    timestamp '2026-01-01' + interval (i) minute as at,
    cast(i as decimal(12, 3)) / 8 as price
from range(2000) as r(i)
