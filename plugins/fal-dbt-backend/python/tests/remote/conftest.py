"""Lease scripts as the supervisor makes them, and a gateway that records what their jobs report."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from pyarrow import flight
from stand_ins.gateway import TOKEN, FakeGateway, refused
from stand_ins.supervisor import job_request

WORKER = Path(__file__).parents[2] / "fal_worker"
LEASE = "of the lease"
# Shorter intervals than users have, so that tests need not wait.
QUICK = {
    "remote/outgoing.py": ("_BEAT, _LOST = 1.0, 30.0", "_BEAT, _LOST = 0.05, 1.0"),
    "remote/access.py": ("_FIND = 10.0", "_FIND = 0.2"),
    "remote/in_process.py": ("_GRACE = 5.0", "_GRACE = 0.3"),
}
PATIENCE = 60


class LeaseGateway(FakeGateway):
    """A gateway that knows one lease."""

    def __init__(self, socket) -> None:
        super().__init__(socket)
        self.lines: list[list[str]] = []
        self.answer = None
        self.starts = 0
        self.stop = self.fenced = False
        self.inputs: dict = {}
        self.said = threading.Condition()

    def do_action(self, context, action):
        body = json.loads(action.body.to_pybytes())
        own = getattr(self, "_" + action.type, None)
        if own is None:
            yield from super().do_action(context, action)
            return
        if body["token"] != (LEASE if action.type == "job_start" else TOKEN) or (
            self.fenced and action.type != "job_start"
        ):
            raise refused("gateway::token", "unknown token", None)
        yield flight.Result(json.dumps(own(body)).encode())

    def _job_start(self, body):
        self.starts += 1
        return {"token": TOKEN, "attempt": self.starts}

    def _job_output(self, body):
        with self.said:
            self.lines += body.get("lines", [])
            self.said.notify_all()
            self.said.wait_for(lambda: self.stop, body.get("wait", 0))
        return {"stop": self.stop}

    def _job_input(self, body):
        return self.inputs.get(".".join(body.get("args", [])), {"unique_id": None, "schema": None})

    def _job_answer(self, body):
        self.answer = {name: body[name] for name in ("ok", "error")}
        return {}

    def await_line(self, text: str) -> None:
        with self.said:
            assert self.said.wait_for(
                lambda: any(line == text for _, line in self.lines), PATIENCE
            ), self.lines

    def of(self, stream: str) -> list[str]:
        return [line for name, line in self.lines if name == stream]


class Runner:
    """Makes scripts and runs them."""

    def __init__(self, folder: Path, gateway: LeaseGateway) -> None:
        self.gateway, self.folder, self.temporary = gateway, folder, folder / "tmp"
        self.temporary.mkdir()

    def script(
        self, code: str, timeout: float | None = None, files: dict[str, str] | None = None, **more
    ) -> Path:
        job = job_request(".", "models/m.py", code, keyword="fal", scripts_dir=None)
        place = {"location": self.gateway.location, "token": LEASE}
        lease = {**place, "job": job, "timeout": timeout, **more}
        text = (WORKER / "remote/bootstrap.py").read_text()
        project = {"models/m.py": code, **(files or {})}
        packed = {"worker": _zip(_worker()), "project": _zip(project)}
        packed["lease"] = json.dumps(lease).encode()
        for name, data in packed.items():
            text = text.replace("{{%s}}" % name, base64.b64encode(data).decode())
        path = self.folder / "script.py"
        path.write_text(text)
        return path

    def start(
        self, *words: str, stdin=subprocess.DEVNULL, cwd: str | Path = "/"
    ) -> subprocess.Popen:
        how = {"env": {"TMPDIR": str(self.temporary), "PATH": os.defpath}, "cwd": cwd, "text": True}
        pipe = subprocess.PIPE
        command = [sys.executable, *words]
        return subprocess.Popen(command, stdin=stdin, stdout=pipe, stderr=pipe, **how)

    def run(self, code: str, timeout: float | None = None, **more) -> subprocess.CompletedProcess:
        return ended(self.start(str(self.script(code, timeout, **more))))

    def left(self) -> list[str]:
        return os.listdir(self.temporary)


def ended(process: subprocess.Popen) -> subprocess.CompletedProcess:
    out, err = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def _worker() -> dict[str, str]:
    def text(path: Path) -> str:
        name = str(path.relative_to(WORKER))
        old, new = QUICK.get(name, ("", ""))
        source = path.read_text()
        assert old in source, name
        return source.replace(old, new) if old else source

    parts = ("job", "remote", "zygote")
    paths = [path for part in parts for path in (WORKER / part).glob("*.py")] + list(
        WORKER.glob("*.py")
    )
    # And the session's modules that the supervisor adds.
    script = (WORKER.parent.parent / "src/lease/script.rs").read_text()
    listed = script.partition("const SHARED")[2].partition("];")[0]
    paths += [WORKER / name for name in re.findall(r'"([a-z_/]+\.py)"', listed)]
    return {f"fal_worker/{path.relative_to(WORKER)}": text(path) for path in paths}


def _zip(files: dict[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


@pytest.fixture
def gateway(tmp_path):
    gateway = LeaseGateway(tmp_path / "gw")
    threading.Thread(target=gateway.serve, daemon=True).start()
    yield gateway
    gateway.shutdown()


@pytest.fixture
def runner(tmp_path, gateway):
    return Runner(tmp_path, gateway)
