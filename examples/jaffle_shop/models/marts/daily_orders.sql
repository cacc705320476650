-- One row a day, also for days without an order: a forecast must know the zeros.
with recursive days as (
    select min(order_date) as order_date from {{ ref('orders') }}
    union all
    select cast(order_date + interval '1 day' as date)
    from days
    where order_date < (select max(order_date) from {{ ref('orders') }})
)

select
    days.order_date,
    count(orders.order_id) as orders,
    cast(coalesce(sum(orders.amount), 0) as decimal(12, 2)) as revenue
from days
left join {{ ref('orders') }} as orders on days.order_date = orders.order_date
group by days.order_date
