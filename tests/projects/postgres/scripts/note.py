import pandas as pd

row = pd.DataFrame({"model": [context.current_model.name], "status": [context.current_model.status]})
write_to_source(row, "raw", "log", mode="append")
