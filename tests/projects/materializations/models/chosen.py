"""The code chooses the strategy of the run."""
import pandas as pd

mode = {1: None, 2: "append", 3: "overwrite"}[var("round")]
write_to_model(pd.DataFrame({"id": [1], "round": [var("round")]}), mode=mode)
