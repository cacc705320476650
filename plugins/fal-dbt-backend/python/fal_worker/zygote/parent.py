"""The zygote's parent process: clears up after a zygote that was killed.

When memory runs out, the system kills the largest process, which may be the zygote. Its jobs die
with it (`PR_SET_PDEATHSIG`), but not the processes that those started, which may have left their
sessions and process groups. They fall to this process, a subreaper, which kills them. It has
imported nothing, so the system kills others first.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from typing import NoReturn

from fal_worker import processes

# Seconds that killing the leftovers may take.
_END_SECONDS = 5.0
_POLL_SECONDS = 0.005


def fork_below() -> None:
    """Forks. The child returns and becomes the zygote; this process watches it and never returns.

    Linux only.
    """
    if not processes.IS_LINUX:
        return
    processes.become_subreaper()
    guardian = os.getpid()
    zygote = os.fork()
    if zygote == 0:
        processes.die_with_parent(guardian)
        return
    _keep(zygote)


def _keep(zygote: int) -> NoReturn:
    # Ctrl-C is the host's business. The other signals go to the zygote, which ends as at an end of
    # file.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: os.kill(zygote, number))
    status = _status_of(zygote)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _end_all()
    _end_as(status)


def _status_of(zygote: int) -> int:
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == zygote:
            return status


def _end_all() -> None:
    """Kills all children, again and again: the children of those killed become this process's."""
    deadline = time.monotonic() + _END_SECONDS
    while time.monotonic() < deadline:
        for pid in processes.children():
            processes.kill(pid)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(_POLL_SECONDS)


def _end_as(status: int) -> NoReturn:
    """Ends as the zygote did, since the supervisor reports to the user how."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        os._exit(code)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if -code != signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    os._exit(128 - code)
