import pandas as pd

write_to_source(pd.DataFrame({"line": ["after"]}), "out", "log")
write_to_source(pd.DataFrame({"n": ["1"], "at": ["2024-01-01"]}), "out", "typed", dtype={"n": "BIGINT", "at": "DATE"})
try:
    write_to_source(pd.DataFrame({"line": ["x"], "new": [1]}), "out", "log")
except FalError as error:
    print(error)
rows = ref("orders")
write_to_model(rows[rows.id < 3])
write_to_model(pd.DataFrame({"id": [4], "amount": [5]}), mode="append")
