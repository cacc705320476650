"""Tries many tables in a row and saves the results so far: `python -m tests.values --help`."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from . import zoo
from .client import WAREHOUSES, ValueClient, open_client
from .trial import Outcome, Verdict, tried

# How many examples of each kind of fault are kept.
_EXAMPLES = 3


class Tally:
    """Counts the outcomes of each kind of value, and keeps examples of faults."""

    def __init__(
        self,
        seed: str,
        tables: int = 0,
        counts: dict[str, dict[str, int]] | None = None,
        faults: dict[str, list[str]] | None = None,
    ) -> None:
        self.seed, self.tables = seed, tables
        self.counts = {kind: Counter(found) for kind, found in (counts or {}).items()}
        self.faults = faults or {}
        self.columns: Counter[str] = Counter()

    def add(self, number: int, verdict: Verdict) -> None:
        self.columns[verdict.outcome.value] += 1
        for kind in verdict.column.kinds:
            self.counts.setdefault(kind, Counter())[verdict.outcome.value] += 1
        if verdict.outcome.is_fault:
            key = f"{verdict.outcome.value} | {' + '.join(verdict.column.kinds)}"
            examples = self.faults.setdefault(key, [])
            if len(examples) < _EXAMPLES:
                examples.append(f"table {number}, {verdict.column.name}: {verdict.why[:1500]}")

    def save(self, path: Path) -> None:
        """Writes the file atomically."""
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(vars(self)))
        os.replace(draft, path)

    @classmethod
    def load(cls, path: Path) -> Tally:
        state = json.loads(path.read_text())
        tally = cls(state["seed"], state["tables"], state["counts"], state["faults"])
        tally.columns = Counter(state["columns"])
        return tally

    def summary(self) -> str:
        outcomes = [outcome.value for outcome in Outcome]
        width = max((len(kind) for kind in self.counts), default=0)
        lines = [f"{'kind':{width}}  " + "  ".join(f"{outcome:>8}" for outcome in outcomes)]
        for kind in sorted(self.counts):
            lines.append(
                f"{kind:{width}}  "
                + "  ".join(f"{self.counts[kind][outcome] or '':>8}" for outcome in outcomes)
            )
        lines.append(
            f"{'columns':{width}}  "
            + "  ".join(f"{self.columns[outcome]:>8}" for outcome in outcomes)
        )
        return "\n".join(lines)


def run(at: ValueClient, tally: Tally, columns: int, saved: Path | None = None) -> None:
    """Tries tables until the given number of columns is reached."""
    while tally.columns.total() < columns:
        width = min(zoo.COLUMNS, columns - tally.columns.total())
        table = zoo.draw(tally.seed, tally.tables, width)
        for verdict in tried(at, table):
            tally.add(tally.tables, verdict)
        tally.tables += 1
        if saved is not None and tally.tables % 20 == 0:
            tally.save(saved)
    if saved is not None:
        tally.save(saved)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.values", description=__doc__)
    parser.add_argument("--warehouse", choices=WAREHOUSES, required=True)
    parser.add_argument(
        "--columns",
        type=int,
        default=100_000,
        help="how many columns are tried, those of earlier calls included",
    )
    parser.add_argument(
        "--resume",
        type=Path,
        metavar="FILE",
        help="keeps the results so far here, and goes on from them",
    )
    parser.add_argument("--seed", default=None, help="draws the columns of an earlier run again")
    given = parser.parse_args(arguments)
    if given.resume is not None and given.resume.exists():
        tally = Tally.load(given.resume)
        if given.seed not in (None, tally.seed):
            parser.error(f"{given.resume} belongs to the seed {tally.seed}")
    else:
        tally = Tally(given.seed or secrets.token_hex(4))
    print(f"seed {tally.seed}, from table {tally.tables}", flush=True)
    began, before = time.monotonic(), tally.columns.total()
    with open_client(given.warehouse, fresh=True) as at:
        run(at, tally, given.columns, given.resume)
    return _end(tally, (tally.columns.total() - before) / max(time.monotonic() - began, 0.001))


def _end(tally: Tally, speed: float) -> int:
    print(tally.summary())
    for key, examples in sorted(tally.faults.items()):
        print(f"\n{key}", *examples, sep="\n    ")
    faults: Any = sum(tally.columns[outcome.value] for outcome in Outcome if outcome.is_fault)
    print(
        f"\nseed {tally.seed}: {tally.columns.total()} columns in {tally.tables} tables, {speed:.0f} a second, {faults} faults"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
