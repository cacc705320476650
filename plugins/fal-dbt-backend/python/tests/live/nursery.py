"""Sessions forked from a process that has imported dbt and parsed its macros, which saves most of
the time of a start.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
from functools import cache
from importlib import import_module
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from unittest import mock

_MODULES = ["dbt.task.build", "dbt.adapters.duckdb", "fal_worker.engine.session", "live.parsed"]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["dbt.cli.main", *_MODULES])


@cache
def _start() -> None:
    # The server takes over the environment, but not `sys.path`.
    with mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):
        ensure_running()


class ForkedProcess:
    """The part of `subprocess.Popen` that the tests use."""

    def __init__(
        self, channel: socket.socket, env: dict[str, str], cwd: Path, folder: Path
    ) -> None:
        _start()
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
    del os.environ["PYTHONPATH"]
    os.environ.update(env, FAL_CONTROL_FD=str(channel.detach()))
    # Constants that a test shortens, so that it need not wait.
    for setting in env.get("FAL_TEST_QUICK", "").split():
        name, _, value = setting.partition("=")
        module, _, constant = name.rpartition(".")
        setattr(import_module(module), constant, float(value))
    if (parsed := sys.modules.get("live.parsed")) is not None:
        parsed.write_schemas(os.path.dirname(env["FAL_OPEN"]))
    from fal_worker.engine.loop import main

    main()
