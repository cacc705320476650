"""Peak memory of a program and all its descendants, from /proc.

It is sampled, so a peak shorter than the pause can be missed; the run that is sampled is not timed.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from .programs import Words, start

PAUSE = 0.02


def peak(command: Words, folder: Path) -> int:
    """Runs a program to its end and returns the peak of the sum over it and its descendants.

    The sum is counted as proportional set size: a page that forked processes share counts once.
    """
    return max(
        sum(kilobytes(process, "smaps_rollup", "Pss") or 0 for process in tree(root)) * 1024
        for root in while_running(command, folder)
    )


def peaks(command: Words, folder: Path, **env: str) -> dict[str, int]:
    """Runs a program to its end and returns the peak of each kind of its processes.

    It is the peak resident memory, which the kernel records; memory that a process gets in its last
    pause is missed. Pages that processes share count for each of them.
    """
    peaks: dict[str, int] = {}
    for root in while_running(command, folder, **env):
        for process in tree(root):
            most = kilobytes(process, "status", "VmHWM")
            if most is not None:
                name = role(process, root)
                peaks[name] = max(peaks.get(name, 0), most * 1024)
    return peaks


def while_running(command: Words, folder: Path, **env: str) -> Iterator[int]:
    """Gives the program's process id again and again, until the program ends."""
    program = start(["sh", "-c", 'exec "$@" >/dev/null 2>&1', "sh", *command], folder, **env)
    while program.poll() is None:
        yield program.pid
        time.sleep(PAUSE)
    program.communicate()
    if program.returncode:
        raise SystemExit(f"error: {list(map(str, command))} failed ({program.returncode})")


def role(process: int, host: int) -> str:
    """Returns the kind of a process of a run.

    A job is forked from the zygote and has the same command line.
    """
    if process == host:
        return "host"
    if "fal_worker.engine" in read(process, "cmdline"):
        return "session"
    return "zygote" if parent(process) == host else "job"


def tree(root: int) -> list[int]:
    """Returns a process and its descendants."""
    children = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            children[parent(int(entry.name))].append(int(entry.name))
    found = [root]
    for process in found:
        found += children[process]
    return found


def parent(process: int) -> int | None:
    # The fourth field of `stat`, counted after the name, which may contain anything.
    fields = read(process, "stat").rpartition(")")[2].split()
    return int(fields[1]) if fields else None


def kilobytes(process: int, file: str, name: str) -> int | None:
    found = re.search(rf"^{name}:\s+(\d+) kB", read(process, file), re.MULTILINE)
    return int(found[1]) if found else None


def read(process: int, file: str) -> str:
    try:
        return Path(f"/proc/{process}/{file}").read_text(errors="replace")
    except OSError:
        return ""  # The process has ended.
