select 1 as id, 'ada' as customer, 120 as amount
union all
select 2, 'bob', 15
union all
select 3, 'ada', 300
