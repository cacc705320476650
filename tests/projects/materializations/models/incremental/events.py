"""Two events more in each round, of which one takes the place of an older one."""
import pandas as pd

round = var("round")
first = int(execute_sql(f"select max(id) as last from {this}")["last"][0]) if is_incremental() else 0
print("incremental" if is_incremental() else "whole", "from", first)
events = pd.DataFrame({"id": [first, first + 1], "kind": ["a", "a"], "round": [round, round]})
if round > 2:
    events["late"] = True
write_to_model(events)
