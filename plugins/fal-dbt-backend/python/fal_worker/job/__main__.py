"""Entry point of a job in a fresh interpreter: `python -m fal_worker.job` (see
`fal_worker.zygote.server`).
"""

import os
import sys

if sys.path and not sys.flags.isolated and not getattr(sys.flags, "safe_path", False):
    sys.path.pop(0)  # the working directory: see fal_worker.zygote

from . import run, start

if __name__ == "__main__":
    run.serve(start.enter(os.environ.pop(start.JOB), os.environ.pop(start.SOCKET), os.getppid()))
