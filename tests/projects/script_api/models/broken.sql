select no_such_function(id) as x from {{ ref('orders') }}
