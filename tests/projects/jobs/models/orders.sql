select id, customer, amount, {{ tools.doubled("amount") }} as doubled from {{ source("raw", "raw") }}
