with last_day as (
    select max(order_date) as today from {{ ref('orders') }}
)

select
    customers.customer_id,
    customers.first_name,
    customers.last_name,
    count(orders.order_id) as orders,
    cast(coalesce(sum(orders.amount), 0) as decimal(12, 2)) as spent,
    max(orders.order_date) as last_order,
    max(last_day.today) - max(orders.order_date) as days_since_last_order
from {{ ref('stg_customers') }} as customers
cross join last_day
left join {{ ref('orders') }} as orders on customers.customer_id = orders.customer_id
group by customers.customer_id, customers.first_name, customers.last_name
