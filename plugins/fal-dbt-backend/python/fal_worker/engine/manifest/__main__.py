"""Start of the process that serves jobs over manifest.json."""

from __future__ import annotations

import os
import sys

# As in `fal_worker.engine`: a user's module must not shadow ours or Python's.
if sys.path and sys.path[0] in ("", os.getcwd()) and not getattr(sys.flags, "safe_path", False):
    del sys.path[0]

from fal_worker.engine.loop import main
from fal_worker.engine.open import Choice

from .session import ManifestSession

main(lambda: Choice(ManifestSession))
