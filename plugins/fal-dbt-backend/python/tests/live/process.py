"""A real session process over a real DuckDB project, for tests."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from fal_worker.protocol import Channel

from .nursery import ForkedProcess

PACKAGE = Path(__file__).parent.parent.parent
_TIMEOUT = 90


class Refused(Exception):
    """An error answer of the session."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code, self.message, self.help = error["code"], error["message"], error.get("help")


class SessionProcess:
    """The supervisor's side of one session."""

    def __init__(
        self, project: Path, socket_dir: Path, fresh: bool = False, **request: Any
    ) -> None:
        self.project, self.socket_dir = project, socket_dir
        self.events: list[dict[str, Any]] = []
        self.on_python_job: Any = None
        self.eof = threading.Event()
        self._said: Any = None
        self._answers: dict[int, Future[dict[str, Any]]] = {}
        self._count = 0
        self._lock = threading.Lock()
        open_path = socket_dir / "open.json"
        open_path.write_text(json.dumps(self._open(request)))
        ours, theirs = socket.socketpair()
        # A forked process has its older parent's environment, so pass the variables that the test
        # set.
        env = {name: value for name, value in os.environ.items() if name.startswith("FAL_TEST_")}
        env = {"FAL_TEST_GENERIC": "", **env, "FAL_OPEN": str(open_path)}
        if fresh:
            self.process: Any = _spawn(theirs, env, project)
        else:
            self.process = ForkedProcess(theirs, env, project, socket_dir)
        theirs.close()
        self._socket = ours
        self._channel = Channel(ours.fileno())
        threading.Thread(target=self._read, daemon=True).start()

    def _open(self, request: dict[str, Any]) -> dict[str, Any]:
        base = {
            "project_dir": str(self.project), "profiles_dir": str(self.project), "command": "run", "execute": True,
            "state_dir": str(self.socket_dir), "vars": {}, "dbt_args": [],
        }  # fmt: skip
        return {**base, **request}

    def _read(self) -> None:
        for message in self._channel.receive():
            if "id" in message:
                with self._lock:
                    future = self._answers.pop(message["id"])
                if "ok" in message:
                    future.set_result(message["ok"])
                else:
                    future.set_exception(Refused(message["error"]))
                continue
            self.events.append(message)
            if message["event"] == "python_job" and self.on_python_job is not None:
                threading.Thread(target=self.on_python_job, args=(message,), daemon=True).start()
        self.eof.set()
        with self._lock:
            for future in self._answers.values():
                future.set_exception(EOFError("the session has ended"))

    def send(self, op: str, **fields: Any) -> Future[dict[str, Any]]:
        future: Future[dict[str, Any]] = Future()
        with self._lock:
            self._count += 1
            id = self._count
            self._answers[id] = future
        self._channel.send({"id": id, "op": op, **fields})
        return future

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        return self.send(op, **fields).result(_TIMEOUT)

    def load(self, *stubs: str) -> dict[str, Any]:
        """Loads the project. `stubs` are the paths of stubs, relative to the project."""
        models = [{"name": Path(s).stem, "path": "models/x.py", "stub_path": s} for s in stubs]
        self.graph = self.ask(
            "load", python_models=models, gateway={"socket_dir": str(self.socket_dir)}
        )
        self.location = self.graph["gateway"]["location"]
        return self.graph

    def start(self, *stubs: str, selected: list[str] | None = None) -> None:
        self.load(*stubs)
        self.ask("begin", selected=self.runnable() if selected is None else selected)

    def runnable(self) -> list[str]:
        kinds = ("model", "seed", "snapshot", "test")
        return [n["unique_id"] for n in self.graph["nodes"] if n["resource_type"] in kinds]

    def run(self, unique_id: str) -> dict[str, Any]:
        return self.ask("run", unique_id=unique_id)

    def finish(self, interrupted: bool = False) -> dict[str, Any]:
        answer = self.ask("finish", interrupted=interrupted)
        assert self.process.wait(_TIMEOUT) == 0
        out, err = self.output()
        assert (out, err) == ("", ""), (out, err)
        return answer

    def peak_memory(self) -> int:
        """The most memory that the process has used, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) << 10

    def output(self) -> tuple[str, str]:
        if self._said is None:
            self._said = self.process.communicate(timeout=_TIMEOUT)
        return self._said

    def logs(self, *levels: str) -> list[str]:
        return [e["message"] for e in self.events if e["event"] == "log" and e["level"] in levels]

    def hang_up(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.output()
        self._socket.close()


def _spawn(channel: socket.socket, env: dict[str, str], cwd: Path) -> Any:
    """Starts a session process as the supervisor does."""
    fd = channel.fileno()
    path = os.pathsep.join(filter(None, [str(PACKAGE), os.environ.get("PYTHONPATH")]))
    env = {**os.environ, **env, "FAL_CONTROL_FD": str(fd), "PYTHONPATH": path}
    command = [sys.executable, "-m", "fal_worker.engine"]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, env=env, pass_fds=[fd], cwd=cwd, text=True, stdout=pipe, stderr=pipe
    )
