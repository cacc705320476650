{% set numbers = "range(ROWS) as numbers(i)" if target.type == 'duckdb' else "generate_series(1, ROWS) as numbers(i)" %}
select
    case when i % 11 <> 0 then cast(i as bigint) end as id,
    case when i % 13 <> 0 then cast(i % 5000 as integer) end as customer_id,
    case when i % 17 <> 0 then cast(i % 997 as double precision) / 7 end as score,
    case when i % 19 <> 0 then cast((i % 100000) * 0.01 as decimal(12, 2)) end as amount,
    case when i % 23 <> 0 then i % 3 = 0 end as paid,
    case when i % 29 <> 0 then cast(date '2024-01-01' + cast(i % 700 as integer) as date) end as day,
    case when i % 31 <> 0 then timestamp '2024-01-01 00:00:00' + (i % 31000000) * interval '1 second' end as ordered_at,
    case when i % 37 <> 0 then 'item number ' || cast(10000000 + i as varchar(8)) end as item
from {{ numbers }}
