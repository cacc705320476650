select
    segment,
    count(*) as customers,
    round(avg(orders), 1) as orders_per_customer,
    round(avg(spent), 2) as spent_per_customer,
    round(sum(spent) / sum(orders), 2) as spent_per_order
from {{ ref('customer_segments') }}
group by segment
