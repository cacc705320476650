"""The supervisor's side of the worker protocol: a zygote over a socket pair, jobs over a Unix
socket.
"""

import itertools
import json
import os
import queue
import socket
import subprocess
import sys
import threading
from pathlib import Path

PYTHON = str(Path(__file__).resolve().parents[2])
# Longer than any step takes on a busy machine, so that only a fault reaches it.
PATIENCE = 60


def job_request(project, path, code, **rest):
    """The request that starts a job in a project."""
    return {
        "kind": "script", "unique_id": "model.p.m", "name": "m", "path": path, "code": code, "lines": None,
        "project_dir": str(project), "cwd": str(project), "location": "", "token": "", "vars": {}, "target": {}, **rest,
    }  # fmt: skip


class Zygote:
    """A real zygote process."""

    def __init__(self, folder, python=sys.executable, **environment):
        self.folder = folder
        ours, theirs = socket.socketpair()
        own = {"PYTHONPATH": PYTHON, "FAL_CONTROL_FD": str(theirs.fileno())}
        command = [python, "-m", "fal_worker.zygote"]
        how = {"cwd": folder, "stdin": subprocess.DEVNULL, "start_new_session": True}
        # Without the variables that only tests know.
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("FAL_TEST_")}
        variables = {**inherited, **own, **environment}
        self.process = subprocess.Popen(command, env=variables, pass_fds=[theirs.fileno()], **how)
        theirs.close()
        self.control = ours
        self._answers = {}
        self._exits = {}
        self._changed = threading.Condition()
        # Tests send requests from several threads.
        self._numbers = itertools.count(1)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self._lines():
            message = json.loads(line)
            with self._changed:
                if "id" in message:
                    self._answers[message["id"]] = message
                elif message["event"] == "exited":
                    self._exits[message["job"]] = message
                self._changed.notify_all()

    def _lines(self):
        try:
            yield from self.control.makefile("rb")
        except ConnectionResetError:
            return  # The zygote was killed.

    def send(self, op, **rest):
        number = next(self._numbers)
        self.control.sendall(json.dumps({"id": number, "op": op, **rest}).encode() + b"\n")
        return number

    def ask(self, op, **rest):
        number = self.send(op, **rest)
        return self._wait(self._answers, number)

    def exited(self, job):
        return self._wait(self._exits, job)

    def has_exited(self, job):
        with self._changed:
            return job in self._exits

    def _wait(self, where, key):
        with self._changed:
            assert self._changed.wait_for(lambda: key in where, PATIENCE), f"no answer to {key}"
            return where.pop(key)

    def start(self, name, request):
        """Forks a job and sends it its request."""
        return Job(self, name, request)

    def close(self):
        self.control.shutdown(socket.SHUT_RDWR)
        self.control.close()
        self.process.wait(PATIENCE)


class Job:
    """A job as the supervisor sees it."""

    def __init__(self, zygote, name, request):
        self.zygote = zygote
        self.name = name
        path = str(zygote.folder / f"{name}.sock")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.settimeout(PATIENCE)
            listener.bind(path)
            listener.listen(3)
            answer = zygote.ask("fork", job=name, socket=path)
            assert "ok" in answer, answer
            self.pid = answer["ok"]["pid"]
            self._channels = {}
            for _ in range(3):
                connection, _ = listener.accept()
                connection.settimeout(PATIENCE)
                file = connection.makefile("rb")
                self._channels[json.loads(file.readline())["channel"]] = connection, file
        self._lines = queue.Queue()
        self._output = {"stdout": b"", "stderr": b""}
        self._readers = [
            threading.Thread(target=self._read, args=(name,), daemon=True) for name in self._output
        ]
        for reader in self._readers:
            reader.start()
        self._channels["control"][0].sendall(json.dumps({"job": name, **request}).encode() + b"\n")

    def _read(self, stream):
        pieces = []
        for line in self._channels[stream][1]:
            pieces.append(line)
            if stream == "stdout":
                self._lines.put(line.decode().rstrip("\n"))
        self._output[stream] = b"".join(pieces)

    def line(self):
        """The next line on standard output."""
        return self._lines.get(timeout=PATIENCE)

    def end(self):
        """Waits for the end of the job; returns its answer, how it exited, and its output."""
        data = self._channels["control"][1].readline()
        exit = self.zygote.exited(self.name)
        for reader in self._readers:
            reader.join(PATIENCE)
        for connection, file in self._channels.values():
            file.close()
            connection.close()
        answer = json.loads(data) if data else None
        return Ended(answer, exit, *(self._output[name].decode() for name in ("stdout", "stderr")))


class Ended:
    """How a job ended."""

    def __init__(self, answer, exit, stdout, stderr):
        self.answer, self.exit, self.stdout, self.stderr = answer, exit, stdout, stderr

    @property
    def ok(self):
        return bool(self.answer and self.answer["ok"])

    @property
    def error(self):
        assert self.answer is not None, f"no answer; {self.exit}\n{self.stderr}"
        assert not self.answer["ok"], self.answer
        return self.answer["error"]
