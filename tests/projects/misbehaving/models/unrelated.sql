select 1 as id, 'healthy' as text
