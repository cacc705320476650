import pandas as pd
from local.words import TEXT

from .note import note

model = context.current_model
note(context, "before", status=model.status, response=model.adapter_response, text=TEXT, name=__name__, package=__package__)
write_to_source(pd.DataFrame({"line": ["before"]}), "out", "log", mode="overwrite")
# The model makes its table anew after this.
write_to_model(pd.DataFrame({"id": [99], "amount": [0]}))
