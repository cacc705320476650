select * from {{ ref('revenue_by_customer') }} join {{ ref('clusters') }} using (customer_id) join {{ ref('weeks') }} on true
