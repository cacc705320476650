import polars

rows = ref("types_of_polars", as_="polars")
assert isinstance(rows, polars.DataFrame)
write_to_model(rows)
