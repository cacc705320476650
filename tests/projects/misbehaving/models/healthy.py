import os
import threading

import pandas

print(f"working in {os.path.basename(os.getcwd())}, {threading.active_count()} thread")
print(f"pandas is {'patched' if pandas.DataFrame.__len__ is not None and len(pandas.DataFrame({'a': [1]})) != 1 else 'itself'}")
write_to_model(ref("orders"))
