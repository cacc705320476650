select totals.customer, totals.amount, totals.scaled, ranks.place
from {{ ref('totals') }} totals
join {{ ref('ranks') }} ranks using (customer)
