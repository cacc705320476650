select * from {{ ref('b_chain') }} union all select * from {{ ref('a_code') }}
