"""Entry point of a job in a fresh interpreter: `python -m fal_worker.job` (see `fal_worker.zygote.spawn`)."""

import os
import sys

if sys.path and not sys.flags.isolated and not getattr(sys.flags, "safe_path", False):
    sys.path.pop(0)  # the working directory: see fal_worker.zygote

from fal_worker.zygote import spawn  # noqa: E402

from . import run, start  # noqa: E402

if __name__ == "__main__":
    run.serve(start.enter(os.environ.pop(spawn.JOB), os.environ.pop(spawn.SOCKET), os.getppid()))
