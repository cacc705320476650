import pyarrow

write_to_model(pyarrow.table({"id": [1, 2], "nothing": [None, None]}))
