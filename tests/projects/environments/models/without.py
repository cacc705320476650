import os
import sys

write_to_model(ref("orders").assign(prefix=sys.prefix, venv=os.environ.get("VIRTUAL_ENV", "")))
