"""A lease's script from outside: its output, its messages, the files it leaves, its exit code."""

import signal
from pathlib import Path

import pyarrow as pa
import pytest
from fal_worker.remote import supervision
from fal_worker.remote.access import Unreachable

from .conftest import Runner, ended

WRITE = "\nimport pyarrow as pa\nwrite_to_model(pa.table({'x': [1]}))\n"
WHOLE = """
import os, sys, json
from helper import TEXT
print(TEXT, open("data/rows.csv").read(), os.path.basename(os.getcwd()), sys.stdin.read(), json.__name__)
print("to stderr", file=sys.stderr)
os.write(1, b"bytes \\xff\\n")
for i in range(3000):
    print("line", i)
print("x" * 100_000)
sys.stdout.write("no end")
"""
UNTIDY = """
import os, subprocess, sys
left = subprocess.Popen(["sleep", "1000"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print("pid", os.getpid(), flush=True)
        os.close(1)
        os.execvp("sleep", ["sleep", "1000"])
    os._exit(0)
os.wait()
print("pid", left.pid, flush=True)
"""
ASLEEP = """
import subprocess, time
print("pid", subprocess.Popen(["sleep", "1000"]).pid)
print("asleep", flush=True)
time.sleep(1000)
"""


def pids(runner: Runner) -> list[int]:
    return [int(line.split()[1]) for line in runner.gateway.of("stdout") if line.startswith("pid ")]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(runner: Runner) -> None:
    assert pids(runner) and not any(map(is_alive, pids(runner)))
    assert runner.left() == []


def test_a_model_runs_on_standard_input_with_its_project_and_no_other_files(
    runner: Runner, tmp_path
):
    files = {"helper.py": "TEXT = 'helped'\n", "data/rows.csv": "a,b"}
    script = runner.script(WHOLE + WRITE, files=files)
    here = tmp_path / "here"
    here.mkdir()
    for name in ("json", "base64", "helper", "pyarrow"):
        (here / f"{name}.py").write_text("raise SystemExit('not this one')")
    with script.open() as stdin:
        done = ended(runner.start("-", stdin=stdin, cwd=here))
    gateway = runner.gateway
    assert done.returncode == 0
    assert done.stdout == ""
    assert done.stderr == ""
    assert gateway.answer == {"ok": True, "error": None}
    assert gateway.model == pa.table({"x": [1]})
    lines = gateway.of("stdout")
    assert lines[0] == "helped a,b project  json"
    assert lines[1] == "bytes �" and lines[2:3002] == [f"line {i}" for i in range(3000)]
    assert lines[3002].endswith("[... 34464 bytes more]") and lines[3003:] == ["no end"]
    assert gateway.of("stderr") == ["to stderr"]
    assert runner.left() == []


def test_a_failure_is_told_in_the_files_of_the_project(runner: Runner):
    done = runner.run("print('before')\n\nraise ValueError('boom')")
    error = runner.gateway.answer["error"]
    assert (done.returncode, done.stderr, runner.gateway.of("stdout")) == (1, "", ["before"])
    assert (error["kind"], error["message"]) == ("exception", "ValueError: boom")
    assert (
        'models/m.py", line 3' in error["traceback"] and "fal-lease-" not in error["traceback"]
    ), error["traceback"]


def test_nothing_of_a_job_stays(runner: Runner):
    assert runner.run(UNTIDY + WRITE).returncode == 0
    gone(runner)
    assert len(pids(runner)) == 2


def test_a_crash_is_told_with_its_last_words(runner: Runner):
    done = runner.run(
        "import os, sys\nprint('last words', file=sys.stderr)\nos.kill(os.getpid(), 9)"
    )
    error = runner.gateway.answer["error"]
    assert (done.returncode, error["kind"]) == (1, "crash")
    assert "killed by signal 9 (SIGKILL)" in error["message"] and error["message"].endswith(
        "\n  last words"
    )


def test_a_job_that_takes_too_long_is_stopped(runner: Runner):
    done = runner.run(ASLEEP, timeout=1.5)
    error = runner.gateway.answer["error"]
    assert (done.returncode, error["kind"]) == (1, "timeout")
    assert error["message"] == "the model ran longer than its timeout of 1.5 seconds"
    gone(runner)


def stopped(runner: Runner, stop) -> str:
    """Stops a running script; returns the last line of its standard error."""
    process = runner.start(str(runner.script(ASLEEP)))
    runner.gateway.await_line("asleep")
    stop(process)
    done = ended(process)
    assert (done.returncode, runner.gateway.answer) == (3, None)
    gone(runner)
    return done.stderr.splitlines()[-1]


def test_the_run_may_stop_it(runner: Runner):
    def stop(_):
        runner.gateway.stop = True

    assert stopped(runner, stop) == "fal: the run was interrupted"


def test_another_attempt_may_take_its_place(runner: Runner):
    def stop(_):
        runner.gateway.fenced = True

    assert stopped(runner, stop).startswith("fal: another attempt took the place of this one")


def test_the_runner_may_stop_it(runner: Runner):
    expected = "fal: stopped by SIGTERM"
    assert stopped(runner, lambda process: process.send_signal(signal.SIGTERM)) == expected


def test_without_a_gateway_it_ends(runner: Runner):
    expected = "fal: the data gateway has not answered for 30 seconds"
    assert stopped(runner, lambda _: runner.gateway.shutdown()) == expected
    done = runner.run("print('never')")
    said = done.stderr.splitlines()[-1]
    assert (
        done.returncode == 3
        and "cannot be reached from" in said
        and said.endswith("No such file or directory")
    ), said
    assert "session has ended" not in said


def test_an_end_that_nobody_hears_is_told_with_the_reason(monkeypatch):
    class Away:
        def answer(self, *_):
            raise Unreachable("connection refused")

    monkeypatch.setattr(supervision, "_LOST", -1.0)
    with pytest.raises(
        Unreachable, match="the data gateway has not answered for 30 seconds: connection refused"
    ):
        supervision.send_answer(Away(), True, None)


def test_who_stops_it_twice_does_not_stop_its_tidying(runner: Runner):
    def stop(process):
        for number in (signal.SIGTERM, signal.SIGHUP):
            process.send_signal(number)

    assert stopped(runner, stop).startswith("fal: stopped by SIG")


def test_what_it_needs_is_named(runner: Runner):
    done = ended(runner.start("-S", str(runner.script("pass"))))
    assert done.returncode == 3 and "cannot import pyarrow, which the node needs" in done.stderr
    assert (runner.gateway.starts, runner.left()) == (0, [])
