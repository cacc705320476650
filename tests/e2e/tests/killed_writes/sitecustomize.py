"""Kills a process of a run at a chosen step of a model's write.

Python loads this file in every process of a run whose `PYTHONPATH` includes its folder; only the
session has the functions that it patches. It adds a step before and after each statement, batch and
call of a write by the gateway and dbt. `KILL_LOG` is a file to which it writes the names of the
steps. `KILL_AT` is JSON, `{model: [process, step]}`, where the process is host, session, zygote or
job.
"""

import functools
import importlib.machinery
import json
import os
import re
import signal
import sys
import threading
import time

PATIENCE = 30
lock = threading.Lock()
model, counts = None, {}


def step(name):
    """Records a step with its count, and kills the process that was chosen for this step."""
    with lock:
        if model is None:
            return
        counts[name] = counts.get(name, 0) + 1
        name = f"{name} #{counts[name]}"
        note(f"{model}: {name}")
        process, chosen = plan.get(model, (None, None))
    if chosen == name:
        kill(process)


def note(line):
    with open(os.environ["KILL_LOG"], "a") as file:
        file.write(line + "\n")


def kill(process):
    found = processes().get(process)
    note(f"{model}! {'killed' if found else 'there is no'} {process}")
    if not found:
        return
    os.kill(found, signal.SIGKILL)
    # Wait for the process's end, so that the rest of this write comes after it. The session itself
    # ends when its host does.
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and (process == "host" or is_alive(found)):
        time.sleep(0.002)


def processes():
    host = os.getppid()
    keeper = next(
        (pid for pid in children(host) if b"fal_worker.zygote" in read(pid, "cmdline")), None
    )
    zygote = next(iter(children(keeper)), None) if keeper else None
    jobs = children(zygote) if zygote else []
    return {
        "host": host,
        "session": os.getpid(),
        "zygote": zygote,
        "job": jobs[0] if jobs else None,
    }


def children(parent):
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if stat(pid)[1:2] == [str(parent).encode()] and is_alive(pid)]


def is_alive(pid):
    return stat(pid)[:1] not in ([], [b"Z"])


def stat(pid):
    return read(pid, "stat").rpartition(b")")[2].split()


def read(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def around(owner, name, label):
    """Adds steps around a function; `label` returns the step's name for the call's arguments."""
    inner = getattr(owner, name)

    @functools.wraps(inner)
    def outer(*args, **kwargs):
        name_ = label(*args, **kwargs)
        step(f"before {name_}")
        result = inner(*args, **kwargs)
        step(f"behind {name_}")
        return result

    setattr(owner, name, outer)


def statement(sql):
    """The first words of a statement; a commit may follow another statement."""
    sql = re.sub(r"/\*.*?\*/|--[^\n]*", " ", str(sql), flags=re.DOTALL)
    words = re.findall(r"[a-z_]+", sql.lower())
    return "commit" if "commit" in words else " ".join(words[:2])


def gateway(module):
    opened, closed = module.GatewayService.open_job, module.GatewayService.close_job

    def open_job(self, id, token, unique_id, *args, **kwargs):
        global model
        opened(self, id, token, unique_id, *args, **kwargs)
        with lock:
            model = unique_id.rpartition(".")[2]
            counts.clear()

    def close_job(self, *args, **kwargs):
        global model
        step("the job has ended")
        result = closed(self, *args, **kwargs)
        step("the job is closed")
        model = None
        return result

    module.GatewayService.open_job, module.GatewayService.close_job = open_job, close_job
    around(module.GatewayService, "write", lambda *_: "the write")


def stream(warehouse):
    begin_write = warehouse.begin_write

    def batches(reader):
        for batch in reader:
            step("a batch")
            yield batch
        step("the end of the stream")

    def begin(self, relation, reader, *args, **kwargs):
        import pyarrow

        reader = pyarrow.RecordBatchReader.from_batches(reader.schema, batches(reader))
        return begin_write(self, relation, reader, *args, **kwargs)

    warehouse.begin_write = begin


class Cursor:
    """Wraps DuckDB's cursor, whose class cannot be patched."""

    def __init__(self, cursor):
        self._inner = cursor

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def execute(self, sql, *args):
        step(f"before {statement(sql)}")
        result = self._inner.execute(sql, *args)
        step(f"behind {statement(sql)}")
        return result


def duckdb(module):
    stream(module.DuckDB)
    unwrap = module._unwrap
    module._unwrap = lambda handle: Cursor(unwrap(handle))


def dbt(module):
    around(
        module.SQLConnectionManager,
        "add_query",
        lambda self, sql, *_, **__: f"dbt's {statement(sql)}",
    )
    around(module.SQLConnectionManager, "commit", lambda self: "dbt's commit")


PATCHES = {
    "fal_worker.gateway.service": gateway,
    "fal_worker.warehouse.duckdb.warehouse": duckdb,
    "fal_worker.warehouse.postgres.warehouse": lambda module: stream(module.Postgres),
    "fal_worker.warehouse.postgres.connection": lambda module: around(
        module.Connection, "run", lambda self, sql: statement(sql)
    ),
    "dbt.adapters.sql.connections": dbt,
}


class Finder:
    """Patches modules when they are imported."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        patch = PATCHES.get(name)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target) if patch else None
        if spec is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                patch(module)

            spec.loader.exec_module = exec_module
        return spec


if "KILL_LOG" in os.environ:
    plan = json.loads(os.environ["KILL_AT"])
    sys.meta_path.insert(0, Finder)
