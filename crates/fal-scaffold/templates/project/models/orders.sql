-- Ninety days of orders, more of them at weekends
select
    day::date as day,
    20 + (number * 7) % 11 + case when dayofweek(day) in (0, 6) then 12 else 0 end as orders
from (
    select
        number,
        timestamp '2024-01-01' + to_days(number::integer) as day
    from range(90) as numbers(number)
)
