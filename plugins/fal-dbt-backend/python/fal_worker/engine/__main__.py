"""Start of the session process: reads the channel while the main thread imports dbt, then serves
its requests.
"""

from __future__ import annotations

import os
import sys

# `-m` puts the working folder first on the path: a user's `queue.py` there must not shadow ours or
# Python's.
if sys.path and sys.path[0] in ("", os.getcwd()) and not getattr(sys.flags, "safe_path", False):
    del sys.path[0]

from .loop import main

main()
