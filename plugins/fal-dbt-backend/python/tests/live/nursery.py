"""Sessions forked from a process that has already imported dbt, which saves the four seconds of a
start.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
from pathlib import Path

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["dbt.cli.main", "dbt.task.build", "dbt.adapters.duckdb", "fal_worker.engine.session"]
)


class ForkedProcess:
    """The part of `subprocess.Popen` that the tests use."""

    def __init__(
        self, channel: socket.socket, env: dict[str, str], cwd: Path, folder: Path
    ) -> None:
        self._output = [folder / "stdout", folder / "stderr"]
        self._process = _context.Process(
            target=_child, args=(channel, env, str(cwd), [str(p) for p in self._output])
        )
        self._process.start()

    @property
    def pid(self) -> int:
        return int(self._process.pid or 0)

    def wait(self, timeout: float) -> int | None:
        self._process.join(timeout)
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def communicate(self, timeout: float) -> tuple[str, ...]:
        self.wait(timeout)
        return tuple(path.read_text() for path in self._output)


def _child(channel: socket.socket, env: dict[str, str], cwd: str, output: list[str]) -> None:
    for fd, path in enumerate(output, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), fd)
    os.chdir(cwd)
    os.environ.update(env, FAL_CONTROL_FD=str(channel.detach()))
    from fal_worker.engine.loop import main

    main()
