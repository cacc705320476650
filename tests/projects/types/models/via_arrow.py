import pyarrow

rows = ref("every_type", as_="arrow")
assert isinstance(rows, pyarrow.Table)
write_to_model(rows)
