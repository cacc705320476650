select count(*) as n from {{ ref('segfault') }}
