"""What the measurements share: their options, and the programs that they run and time."""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]

Words = Sequence["str | Path"]


@dataclass
class Bench:
    """The options of the command line."""

    runs: int
    """Rounds of each measurement."""
    rows: int
    bulk_rows: int
    files: int
    host: Path
    """fal-host's release build, with its plugins beside it."""
    scratch: Path
    server: str
    """The address of a PostgreSQL server, if a measurement needs one."""
    socket: str
    """The folder of the server's socket."""
    dbt2_python: Path
    """The Python that dbt 2 is installed for, if a measurement needs it."""

    python = Path(sys.executable)
    dbt = Path(sys.executable).with_name("dbt")

    @property
    def dbt2(self) -> Path:
        return self.dbt2_python.with_name("dbt")

    def run_on_dbt2(self) -> list[str | Path]:
        """Returns the command `fal-host run` over dbt 2."""
        return [self.host, "run", "--python", self.dbt2_python]

    def run(self, *words: str) -> list[str | Path]:
        """Returns the command `fal-host run`."""
        return [self.host, "run", "--python", self.python, *words]


def tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def start(command: Words, folder: Path, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output(command: Words, folder: Path, **env: str) -> str:
    """Runs a program to its end and returns its standard output. A failure ends the benchmark."""
    program = start(command, folder, **env)
    out, err = program.communicate()
    if program.returncode:
        shown = shlex.join(map(str, command))
        raise SystemExit(f"error: `{shown}` failed ({program.returncode})\n{out}{err}")
    return out


def cargo(*words: str) -> str:
    return output([os.environ.get("CARGO", "cargo"), *words], REPOSITORY)


def timed(command: Words, folder: Path, **env: str) -> float:
    begun = time.perf_counter()
    output(command, folder, **env)
    return time.perf_counter() - begun


def median(times: list[float]) -> float:
    """Returns the median; of an even number the lower one of the two in the middle."""
    return statistics.median_low(times)


def write(path: Path, text: str) -> None:
    """Writes a file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
