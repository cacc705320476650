select totals.customer, totals.amount, totals.scaled, ranks.place, doubled.doubled
from {{ ref('totals') }} totals
join {{ ref('ranks') }} ranks using (customer)
join {{ ref('doubled') }} doubled using (customer)
order by ranks.place
