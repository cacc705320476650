select report.id, name from {{ ref('report') }} as report join {{ ref('customers') }} as customers on report.id = customers.id
