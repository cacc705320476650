"""Entry point: `python -m fal_worker.zygote`. In a forked child it turns into the job."""

import sys

# `-m` puts the working directory first: a file of the project named like a module of Python would
# be imported instead.
if sys.path and not sys.flags.isolated and not getattr(sys.flags, "safe_path", False):
    sys.path.pop(0)

from fal_worker.protocol import Channel

from . import parent, server


def main() -> None:
    """Serves until the supervisor is gone; a forked child leaves the loop and becomes a job."""
    parent.fork_below()
    zygote = server.Zygote(Channel.from_environment())
    child = zygote.serve()
    if child is not None:
        child.become_job()


main()
