select totals.kind, totals.twice, count(*) as orders
from {{ ref('totals') }} as totals join {{ ref('counted') }} as counted on counted.kind = totals.kind
group by totals.kind, totals.twice
