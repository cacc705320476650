select id, customer, amount, at, array[customer, 'x'] as tags from {{ source('raw', 'raw_orders') }}
