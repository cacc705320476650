"""A Python model that also writes a table of a source, and keeps its own rows.

- source('out', 'log')
"""

import pandas as pd

rows = ref("orders")
write_to_source(pd.DataFrame({"line": ["forecast began"]}), "out", "log")
write_to_model(rows[["id"]], dtype={"id": "SMALLINT"}, mode="append")
