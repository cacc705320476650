"""Answers the supervisor and watches over the jobs: starts them, kills them, reports a job once all
its processes are gone.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
import time
import warnings
from dataclasses import dataclass
from typing import Any

from fal_worker import processes
from fal_worker.job import start
from fal_worker.protocol import Channel

from . import preload


class Inbox:
    """Messages of a channel. `closed` is set once the supervisor is gone."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._rest = b""
        self.closed = False

    def receive(self) -> list[dict[str, Any]]:
        """All whole messages that one read brings. Call it when the descriptor is readable."""
        try:
            data = os.read(self._fd, 1 << 16)
        except (ConnectionResetError, BrokenPipeError):
            data = b""
        if not data:
            self.closed = True
            return []
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines if line.strip()]


_START = "FAL_WORKER_START"


def _spawn_is_wanted() -> bool:
    """Whether every job shall be spawned: asked for by `FAL_WORKER_START=spawn`, or the platform is
    not Linux.
    """
    way = os.environ.get(_START)
    return way == "spawn" or (way != "fork" and not sys.platform.startswith("linux"))


def _spawn(job: str, path: str) -> int:
    """Starts `python -m fal_worker.job` and returns its process id."""
    environment = {**os.environ, start.JOB: job, start.SOCKET: path, "PYTHONPATH": _python_path()}
    return os.posix_spawn(sys.executable, [sys.executable, "-m", "fal_worker.job"], environment)


def _python_path() -> str:
    """The folder of `fal_worker`, then the rest: the zygote may have found it by other means than
    this variable.
    """
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    given = [
        part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part and part != root
    ]
    return os.pathsep.join([root, *given])


# How often we look again while something of an ended job is dying.
_POLL_SECONDS = 0.02
# How long the end may take when the supervisor is gone.
_END_SECONDS = 5.0


@dataclass
class Job:
    """A job that was started; `status` is set when its process has ended."""

    name: str
    pid: int
    status: int | None = None


@dataclass
class Child:
    """What a forked child needs to become a job."""

    job: str
    socket: str
    zygote: int

    def become_job(self) -> None:
        """Runs the one job of this process; does not return."""
        from fal_worker.job import run

        run.serve(start.enter(self.job, self.socket, self.zygote))


class Zygote:
    """The single-threaded loop. It owns every process below it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._inbox = Inbox(channel.fd)
        self._jobs: dict[str, Job] = {}
        self._spawns = _spawn_is_wanted()
        self._untouchable: set[int] = set()  # children that we may not kill
        self._child: Child | None = None
        self._ending = False
        self._wake, self._waker = socket.socketpair()
        processes.become_subreaper()
        self._take_signals()

    def _take_signals(self) -> None:
        """Signals wake the loop.

        Ctrl-C is the host's business; SIGTERM and SIGHUP end us as an end of file does.
        """
        for end in (self._wake, self._waker):
            end.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._end)

    def _end(self, *_: object) -> None:
        self._ending = True

    def serve(self) -> Child | None:
        """Works until the supervisor is gone. Returns only in a forked child."""
        preload.environment()
        if not self._spawns:
            preload.basics()
            self._spawns = not preload.fork_is_safe()
        while not (self._ending or self._inbox.closed):
            for request in self._wait():
                self._answer(request)
                if self._child is not None:
                    return self._child
            self._look_after_jobs()
        self._end_all()
        os._exit(0)

    def _wait(self) -> list[dict[str, Any]]:
        """Blocks until a request or a signal comes; polls while an ended job still has processes."""
        dying = any(job.status is not None for job in self._jobs.values())
        timeout = _POLL_SECONDS if dying else None
        readable, _, _ = select.select([self._channel.fd, self._wake], [], [], timeout)
        if self._wake in readable:
            self._wake.recv(4096)
        return self._inbox.receive() if self._channel.fd in readable else []

    def _answer(self, request: dict[str, Any]) -> None:
        try:
            ok = self._do(request)
        except Exception as error:  # noqa: BLE001 - the zygote must go on for the other jobs
            failure = {
                "code": "worker::zygote",
                "message": f"{type(error).__name__}: {error}",
                "help": None,
            }
            self._tell({"id": request.get("id"), "error": failure})
            return
        if self._child is None:
            self._tell({"id": request.get("id"), "ok": ok})

    def _tell(self, message: dict[str, Any]) -> None:
        try:
            self._channel.send(message)
        except OSError:
            self._ending = True  # the supervisor is gone

    def _do(self, request: dict[str, Any]) -> dict[str, Any]:
        op = request.get("op")
        if op == "preload":
            return {"modules": self._preload(request["modules"])}
        if op == "fork":
            return {"pid": self._start(str(request["job"]), str(request["socket"]))}
        if op == "kill":
            self._kill(str(request["job"]))
            return {}
        raise ValueError(f"unknown op {op!r}")

    def _preload(self, names: list[str]) -> list[str]:
        if self._spawns:
            return []  # a fresh interpreter has nothing of what we import
        loaded = preload.modules(names)
        self._spawns = not preload.fork_is_safe()
        return loaded

    def _start(self, name: str, path: str) -> int:
        if name in self._jobs:
            raise ValueError(f"job {name!r} runs already")
        pid = _spawn(name, path) if self._spawns else self._fork(name, path)
        if self._child is None:
            self._jobs[name] = Job(name, pid)
        return pid

    def _fork(self, name: str, path: str) -> int:
        """Forks. The child releases everything that is the zygote's and leaves the loop by
        `_child`.

        A fork copies only the calling thread: a lock that another thread holds stays locked in the
        child for ever. So the zygote has no thread itself, imports only what `preload` lists, and
        forks only while `fork_is_safe` found no unknown thread. The child does not run the job
        here: it first returns through `serve`, so that the user's code has none of the zygote's
        frames below it.
        """
        zygote = os.getpid()
        # The collector writes to each object that it looks at, which would copy the shared pages in
        # the child.
        gc.freeze()
        with warnings.catch_warnings():
            # Python warns of any thread, also of those that survive a fork.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            # The child must not answer the supervisor, nor wake the zygote's loop by its signals.
            signal.set_wakeup_fd(-1)
            for end in (self._wake, self._waker):
                end.close()
            os.close(self._channel.fd)
            self._child = Child(name, path, zygote)
        return pid

    def _kill(self, name: str) -> None:
        """Kills a job's process; what it leaves behind falls to us.

        A job that is gone is no error.
        """
        job = self._jobs.get(name)
        if job is not None and job.status is None:
            processes.kill(job.pid)
            processes.kill_group(job.pid)

    def _look_after_jobs(self) -> None:
        """Collects the dead, kills what they left, and reports jobs of which nothing is left."""
        if self._reap() and not processes.IS_LINUX:
            for job in self._ended():
                processes.kill_group(
                    job.pid
                )  # no subreaper there: the group is all that we can know
        ended = self._ended()
        if ended and not self._kill_orphans():
            for job in ended:
                del self._jobs[job.name]
                self._tell(_exited(job))

    def _ended(self) -> list[Job]:
        return [job for job in self._jobs.values() if job.status is not None]

    def _reap(self) -> bool:
        """Collects every child that has ended; whether a job was among them."""
        by_pid = {job.pid: job for job in self._jobs.values() if job.status is None}
        found = False
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return found
            if pid == 0:
                return found
            self._untouchable.discard(pid)
            if pid in by_pid:
                by_pid[pid].status = status
                found = True

    def _kill_orphans(self) -> bool:
        """Kills children that are not running jobs: what ended jobs left.

        Returns whether there were any.
        """
        running = {job.pid for job in self._jobs.values() if job.status is None}
        orphans = [
            pid
            for pid in processes.children()
            if pid not in running and pid not in self._untouchable
        ]
        for pid in orphans:
            if not processes.kill(pid):
                self._untouchable.add(pid)
        return bool(orphans)

    def _end_all(self) -> None:
        """Kills all jobs and all that they started, and waits until they are gone."""
        deadline = time.monotonic() + _END_SECONDS
        for name in list(self._jobs):
            self._kill(name)
        while time.monotonic() < deadline:
            self._reap()
            if (
                all(job.status is not None for job in self._jobs.values())
                and not self._kill_orphans()
            ):
                return
            time.sleep(_POLL_SECONDS)


def _exited(job: Job) -> dict[str, Any]:
    code = os.waitstatus_to_exitcode(job.status or 0)
    if code < 0:
        return {"event": "exited", "job": job.name, "code": None, "signal": -code}
    return {"event": "exited", "job": job.name, "code": code, "signal": None}
