import pyarrow

rows = ref("every_type", as_="reader")
assert isinstance(rows, pyarrow.RecordBatchReader)
write_to_model(rows)
