"""What commands cost, measured in turns."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from .programs import Words, median, tell, timed

# Commands that run one after the other in a folder.
Side = tuple[list[Words], Path]


class Cost(NamedTuple):
    """Seconds of the clock, and of all processors."""

    wall: float
    cpu: float


def in_turns(
    sides: list[Side], rounds: int, clear: Callable[[Path], None], **env: str
) -> list[Cost]:
    """Returns the medians of each side; the one that starts changes from round to round."""
    costs: list[list[Cost]] = [[], []]
    for turn in range(rounds):
        for side in (turn % 2, (turn + 1) % 2):
            commands, folder = sides[side]
            clear(folder)
            cost = total(commands, folder, **env)
            tell(f"{('fal-host', 'the other')[side]}: {cost.wall:.3f} s, CPU {cost.cpu:.3f} s")
            costs[side].append(cost)
    return [
        Cost(median([cost.wall for cost in side]), median([cost.cpu for cost in side]))
        for side in costs
    ]


def total(commands: list[Words], folder: Path, **env: str) -> Cost:
    before = cpu()
    wall = sum(timed(command, folder, **env) for command in commands)
    return Cost(wall, cpu() - before)


def cpu() -> float:
    """Returns the processor seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
