{{ config(tags=['core', 'nightly'], meta={'owner': 'ann', 'sla': {'hours': 4}, 'teams': ['growth', 'ops'], 'critical': true, 'rank': 2}) }}
select c.customer_id, c.name, count(o.order_id) as orders
from {{ ref('stg_customers') }} c left join {{ ref('stg_orders') }} o using (customer_id) group by all
