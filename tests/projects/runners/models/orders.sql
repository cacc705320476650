select id, id % 3 as kind, 'place ' || id as place from generate_series(1, 100) as numbers(id)
