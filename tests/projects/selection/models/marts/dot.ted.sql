select 1 as odd
