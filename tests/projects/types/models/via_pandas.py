import pandas

rows = ref("every_type")
assert isinstance(rows, pandas.DataFrame)
write_to_model(rows)
