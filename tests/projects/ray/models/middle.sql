select two_1.id, two_1.amount + two_2.amount as amount, two_1.name, two_2.at, two_1.price
from {{ ref('two_1') }} as two_1
join {{ ref('two_2') }} as two_2 using (id)
