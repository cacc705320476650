select order_id as id, sum(amount)::decimal(10, 2) as amount, max(paid_on) as paid_on, 'a' as customer
from {{ ref('payments') }} group by 1
