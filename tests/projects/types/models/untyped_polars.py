import polars

write_to_model(polars.DataFrame({"id": [1, 2], "nothing": [None, None]}))
