-- What the next four weeks hold for each segment of customers: a notebook's forecast times a Python model's segments.
with recent as (
    select
        segments.segment,
        count(*) as orders,
        sum(orders.amount) as revenue
    from {{ ref('orders') }} as orders
    inner join {{ ref('customer_segments') }} as segments on orders.customer_id = segments.customer_id
    where orders.order_date > (select max(order_date) - interval '90 days' from {{ ref('orders') }})
    group by segments.segment
),

shares as (
    select
        segment,
        orders / sum(orders) over () as share_of_orders,
        revenue / orders as revenue_per_order
    from recent
),

weeks as (
    select
        cast(date_trunc('week', order_date) as date) as week,
        sum(expected_orders) as expected_orders
    from {{ ref('order_forecast') }}
    group by 1
)

select
    weeks.week,
    shares.segment,
    cast(weeks.expected_orders * shares.share_of_orders as decimal(12, 1)) as expected_orders,
    cast(weeks.expected_orders * shares.share_of_orders * shares.revenue_per_order as decimal(12, 2)) as expected_revenue
from weeks
cross join shares
order by weeks.week, shares.segment
