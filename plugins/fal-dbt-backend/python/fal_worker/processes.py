"""What the zygote and the jobs ask of the operating system: subreaper, death signal, children,
killing.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

IS_LINUX = sys.platform.startswith("linux")

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True) if IS_LINUX else None


def become_subreaper() -> None:
    """Orphans among our descendants become our children, whatever sessions they made.

    Linux only.
    """
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(parent: int) -> None:
    """The kernel kills us when `parent` ends; if it has ended already, we end now. Linux only."""
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def children() -> list[int]:
    """Our direct children. Empty where there is no `/proc`."""
    if not IS_LINUX:
        return []
    own = os.getpid()
    return [
        pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _parent_of(pid) == own
    ]


def _parent_of(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
    except OSError:
        return None
    # The name in parentheses may hold spaces and parentheses: what counts comes after the last one.
    return int(stat[stat.rindex(b")") + 2 :].split()[1])


def kill(pid: int) -> bool:
    """Kills one process; `False` if we may not (a program with other rights)."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    except PermissionError:
        return False
    return True


def kill_group(pid: int) -> None:
    """Kills the process group that `pid` leads."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
