import pandas

write_to_model(pandas.DataFrame({"id": [1, 2], "nothing": [None, None]}))
