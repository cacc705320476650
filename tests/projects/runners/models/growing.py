"""Three rows more in each run."""
import pandas as pd

last = int(execute_sql(f"select max(id) as last from {this}")["last"][0]) if is_incremental() else 0
print("incremental" if is_incremental() else "whole")
write_to_model(pd.DataFrame({"id": [last + 1, last + 2, last + 3]}))
