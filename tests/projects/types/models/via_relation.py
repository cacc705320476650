import duckdb

rows = ref("every_type", as_="arrow")
write_to_model(duckdb.sql("select * from rows"))
