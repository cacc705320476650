"""Jobs in a real zygote: a job can harm only itself, and leaves nothing behind."""

import os
import re
import signal
import time

import pytest
from stand_ins.supervisor import PATIENCE, Zygote

WRITE = 'import pyarrow\nwrite_to_model(pyarrow.table({"a": [1]}))\n'


@pytest.fixture
def next_is_fine(run, gateway):
    """After each test, another job must succeed in the same zygote."""
    yield
    gateway.written.clear()
    ended = run(WRITE)
    assert ended.ok, ended.answer


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_model_reads_and_writes(run, gateway):
    gateway.tables["orders"] = gateway.query(
        "select range as id, 'x' || range as name from range(3)"
    )
    ended = run(
        """
        print("hello")
        df = ref("orders")
        df["twice"] = df.id * 2
        write_to_model(df)
        """
    )
    assert ended.ok, ended.error
    steps = ended.answer.pop("timing")
    assert ended.answer == {"ok": True, "wrote": True}
    assert [step["name"] for step in steps] == ["compute", "read orders", "write"]
    compute, read, write = ((step["started_at"], step["completed_at"]) for step in steps)
    assert compute[0] <= read[0] <= read[1] <= write[0] <= write[1] <= compute[1]
    assert ended.stdout == "hello\n"
    assert ended.exit["code"] == 0
    expected = {"id": [0, 1, 2], "name": ["x0", "x1", "x2"], "twice": [0, 2, 4]}
    assert gateway.model.to_pydict() == expected


@pytest.mark.usefixtures("next_is_fine")
class TestBadCitizens:
    def test_segfault(self, run):
        ended = run('print("before")\nimport ctypes\nctypes.string_at(0)')
        assert ended.answer is None
        assert ended.exit["signal"] == signal.SIGSEGV
        assert ended.stdout == "before\n"
        assert "Segmentation fault" in ended.stderr

    @pytest.mark.parametrize(
        ("code", "exit"),
        [
            ("os._exit(0)", {"code": 0}),
            ("os.kill(os.getpid(), 9)", {"signal": signal.SIGKILL}),
            ("os.killpg(0, 9)", {"signal": signal.SIGKILL}),
        ],
    )
    def test_ends_without_an_answer(self, run, code, exit):
        ended = run(f"import os\n{code}")
        assert ended.answer is None
        assert exit.items() <= ended.exit.items()

    def test_system_exit(self, run, gateway):
        assert run("raise SystemExit(0)").error["kind"] == "no_write"
        assert run(WRITE + "import sys\nsys.exit()").ok
        gateway.written.clear()
        error = run(WRITE + "import sys\nsys.exit(3)").error
        assert (error["kind"], error["message"]) == ("exit", "SystemExit: 3")

    def test_endless_recursion(self, run):
        error = run("def f(n):\n    return f(n + 1)\n\nf(0)").error
        assert error["message"].startswith("RecursionError: maximum recursion depth exceeded")
        assert len(error["traceback"].splitlines()) < 20
        assert re.search(r"\[the same frame \d+ more times\]", error["traceback"])

    def test_endless_mutual_recursion(self, run):
        error = run("def f(n): return g(n)\ndef g(n): return f(n)\nf(0)").error
        assert len(error["traceback"].splitlines()) < 100
        assert re.search(r"\[\d+ more frames\]", error["traceback"])

    def test_50_mb_of_output(self, run):
        ended = run('line = "x" * 99\nfor _ in range(500_000): print(line)\n' + WRITE)
        assert ended.ok
        assert len(ended.stdout) == 50_000_000

    def test_changed_directory_and_environment(self, run, project):
        assert run(
            'import os\nos.chdir("/")\nos.environ["MARK"] = "1"\n' + WRITE + "raise ValueError"
        ).error
        ended = run('import os\nprint(os.getcwd(), os.environ.get("MARK"))')
        assert ended.stdout == f"{project} None\n"

    def test_patched_pandas(self, run, gateway):
        gateway.tables["a"] = gateway.query("select 1 as x")
        assert run(
            "import pandas\npandas.DataFrame = None\nimport sys\ndel sys.modules['pandas']\nboom"
        ).error
        ended = run('import pandas\nassert isinstance(ref("a"), pandas.DataFrame)\n' + WRITE)
        assert ended.ok, ended.error

    def test_leftover_threads(self, run):
        ended = run(
            "import threading, time\nthreading.Thread(target=time.sleep, args=(10_000,)).start()\n"
            + WRITE
        )
        assert ended.ok

    def test_too_much_memory(self, run):
        code = """
            import resource
            used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + (128 << 20),) * 2)
            x = []
            while True: x.append("x" * (1 << 24))
            """
        error = run(code).error
        assert error["kind"] == "memory"
        assert "line 6" in error["traceback"]

    def test_closed_streams(self, run):
        assert run("import sys, os\nsys.stdout.close()\nsys.stderr = None\n" + WRITE).ok
        assert (
            run("import os\nos.close(1)\nos.close(2)\n" + WRITE).ok is False
        )  # a second write: the first was taken


def test_leftover_children_are_killed(run):
    ended = run(
        'import subprocess\np = subprocess.Popen(["sleep", "10000"])\nprint(p.pid)\n' + WRITE
    )
    assert ended.ok
    assert not is_alive(int(ended.stdout))


# Leaves its session three times, then writes its process id.
DAEMON = """
import os, sys, time
path = sys.argv[1]
for _ in range(3):
    if os.fork(): os._exit(0)
    os.setsid()
with open(path + ".new", "w") as file: file.write(str(os.getpid()))
os.rename(path + ".new", path)
time.sleep(10000)
"""


def daemon(path):
    start = f"import os, subprocess, sys, time\nsubprocess.run([sys.executable, '-c', {DAEMON!r}, {str(path)!r}])\n"
    return start + f"while not os.path.exists({str(path)!r}): time.sleep(0.01)\n"


@pytest.mark.parametrize(
    "ending", ["", "os._exit(3)", "raise ValueError", "os.kill(os.getpid(), 9)"]
)
def test_daemons_are_killed_however_the_job_ends(run, tmp_path, ending):
    path = tmp_path / "pid"
    ended = run(daemon(path) + ending)
    assert not ended.ok
    assert not is_alive(int(path.read_text()))


def test_a_shower_of_orphans_is_killed(run, tmp_path):
    pids = tmp_path / "pids"
    pids.mkdir()
    code = f"""
        import os, time
        for n in range(10):
            if os.fork() == 0:
                os.setsid()
                for _ in range(3): os.fork()
                open({str(pids)!r} + f"/{{os.getpid()}}", "w").close()
                time.sleep(10000)
        while len(os.listdir({str(pids)!r})) < 80: time.sleep(0.01)
        """
    assert run(code).error["kind"] == "no_write"
    assert not any(is_alive(int(name)) for name in os.listdir(pids))


def test_another_job_is_not_touched_when_one_is_killed(start, zygote):
    waiting = 'import sys, subprocess, os\nsubprocess.run("sleep 10000 & echo $!; exec sleep 10000", shell=True)'
    first, second = start(waiting), start(waiting)
    orphans = [int(first.line()), int(second.line())]
    assert zygote.ask("kill", job=first.name)["ok"] == {}
    assert first.end().exit["signal"] == signal.SIGKILL
    assert [is_alive(pid) for pid in orphans] == [False, True]
    assert is_alive(second.pid)
    zygote.ask("kill", job=second.name)
    assert second.end().exit["signal"] == signal.SIGKILL
    assert not is_alive(orphans[1])


def test_unknown_jobs_and_requests(zygote):
    assert zygote.ask("kill", job="unknown")["ok"] == {}
    assert "unknown op" in zygote.ask("dance")["error"]["message"]


def test_end_of_file_kills_everything(sockets, start, tmp_path):
    zygote = Zygote(sockets)
    job = start(
        "import subprocess, time\nprint(subprocess.Popen(['setsid', 'sleep', '10000']).pid)\ntime.sleep(10000)",
        zygote=zygote,
    )
    child = int(job.line())
    zygote.close()
    assert zygote.process.returncode == 0
    assert not is_alive(job.pid)
    assert not is_alive(child)


@pytest.mark.parametrize("stop", ["terminate", "kill"])
def test_a_zygote_that_ends_takes_its_job_along(sockets, start, stop):
    zygote = Zygote(sockets)
    job = start("import time\nprint(1)\ntime.sleep(10000)", zygote=zygote)
    job.line()
    getattr(zygote.process, stop)()
    zygote.process.wait(PATIENCE)
    # The job of a killed one is collected by init, in its own time.
    while stop == "kill" and is_alive(job.pid) and state(job.pid) != "Z":
        time.sleep(0.01)
    assert not is_alive(job.pid) or stop == "kill"


def state(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


def test_ctrl_c_does_not_end_the_zygote(zygote, run):
    os.kill(zygote.process.pid, signal.SIGINT)
    assert run(WRITE).ok


def test_signals_of_a_job_are_those_of_a_fresh_python(run):
    ended = run(
        "import os, signal\nprint(signal.getsignal(signal.SIGINT) is signal.default_int_handler)\nos.kill(os.getpid(), signal.SIGINT)"
    )
    assert ended.stdout == "True\n"
    assert ended.error["kind"] == "interrupted"
    assert run("import os\nos.kill(os.getpid(), 15)").exit["signal"] == signal.SIGTERM


def test_random_numbers_differ_between_jobs(run):
    code = "import random, numpy\nprint(random.random(), numpy.random.rand(), numpy.random.default_rng().random())"
    first, second = run(code).stdout.split(), run(code).stdout.split()
    assert len(first) == 3
    assert not set(first) & set(second)


def test_a_program_of_the_model_sees_nothing_of_ours(run):
    ended = run(
        "import os, subprocess\nprint(sorted(n for n in os.environ if n.startswith('FAL_')))\nprint(sorted(os.listdir('/proc/self/fd')))"
    )
    names, descriptors = map(eval, ended.stdout.splitlines())
    assert names == []
    # The three streams, the control channel, and the listing itself.
    assert len(descriptors) <= 6, descriptors


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("import sys\nprint(repr(sys.stdin.read()))", "''\n"),
        ("import ctypes\nctypes.CDLL(None).printf(b'from C')", "from C"),
        (WRITE + "import atexit\natexit.register(print, 'bye')", "bye\n"),
    ],
)
def test_output(run, code, output):
    ended = run(code)
    assert ended.stdout == output
    assert ended.ok is (WRITE in code)


def test_preload_takes_what_survives_a_fork_and_nothing_else(sockets, start):
    zygote = Zygote(sockets)
    loaded = zygote.ask("preload", modules=["joblib", "polars", "duckdb", "torch", "not_there"])[
        "ok"
    ]["modules"]
    assert loaded == ["joblib"]
    ended = start(
        "import sys\nprint([name in sys.modules for name in ('pandas', 'joblib', 'polars', 'duckdb')])",
        zygote=zygote,
    ).end()
    assert ended.stdout == "[True, True, False, False]\n"
    zygote.close()


def test_numeric_libraries_work_in_the_child(sockets, start):
    pytest.importorskip("sklearn")
    zygote = Zygote(sockets)
    assert "sklearn.metrics" in zygote.ask("preload", modules=["sklearn", "scipy"])["ok"]["modules"]
    code = """
        import os
        import numpy
        from sklearn.cluster import KMeans
        rows = numpy.random.default_rng(1).random((4000, 8))
        zygote = open(f"/proc/{os.getppid()}/stat").read().rpartition(")")[2].split()
        print(KMeans(3, n_init=2, random_state=1).fit(rows).labels_.max(), (rows.T @ rows).shape, zygote[1] == "KEEPER")
        """.replace("KEEPER", str(zygote.process.pid))
    jobs = [start(code, zygote=zygote) for _ in range(2)]
    assert [job.end().stdout for job in jobs] == ["2 (8, 8) True\n"] * 2  # forked, not spawned
    zygote.close()


def test_two_jobs_run_at_once(start):
    first = start("print(1)\nimport os, time\nwhile not os.path.exists('go'): time.sleep(0.01)")
    second = start("open('go', 'w').close()")
    assert first.line() == "1"
    assert second.end().error["kind"] == "no_write"
    assert first.end().error["kind"] == "no_write"


def test_a_forked_process_that_runs_on_does_not_answer_for_the_job(run):
    ended = run(
        "import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)\nif pid:\n    "
        + WRITE.replace("\n", "\n    ")
    )
    assert ended.answer["ok"] and ended.answer["wrote"]


def test_multiprocessing_left_open_does_not_hold_the_job(run):
    code = "import multiprocessing, time\nfork = multiprocessing.get_context('fork')\np = fork.Process(target=time.sleep, args=(10_000,))\np.start()\nprint(p.pid)\n"
    ended = run(code + WRITE)
    assert ended.ok
    assert not is_alive(int(ended.stdout))


@pytest.fixture(scope="module")
def spawning(sockets):
    zygote = Zygote(sockets, FAL_WORKER_START="spawn")
    yield zygote
    zygote.close()


class TestSpawned:
    """The same jobs, in a fresh interpreter for each job."""

    def test_a_model_reads_and_writes(self, start, spawning, gateway):
        gateway.tables["orders"] = gateway.query("select 7 as id")
        ended = start(
            "import os\nprint(os.getpid() == os.getsid(0))\nwrite_to_model(ref('orders'))",
            zygote=spawning,
        ).end()
        assert ended.ok, ended.error
        assert ended.stdout == "True\n"
        assert gateway.model.to_pydict() == {"id": [7]}

    def test_daemons_are_killed(self, start, spawning, tmp_path):
        path = tmp_path / "pid"
        assert not start(daemon(path), zygote=spawning).end().ok
        assert not is_alive(int(path.read_text()))

    def test_a_crash_is_told(self, start, spawning):
        ended = start(
            "import os\nprint([n for n in os.environ if n.startswith('FAL_')])\nos.abort()",
            zygote=spawning,
        ).end()
        assert ended.exit["signal"] == signal.SIGABRT
        assert ended.stdout == "[]\n"

    def test_preload_does_nothing(self, spawning):
        assert spawning.ask("preload", modules=["joblib"])["ok"] == {"modules": []}

    def test_kill(self, start, spawning):
        job = start("print(1, flush=True)\nimport time\ntime.sleep(10000)", zygote=spawning)
        job.line()
        spawning.ask("kill", job=job.name)
        assert job.end().exit["signal"] == signal.SIGKILL


def test_a_file_of_the_project_does_not_shadow_our_modules(sockets, start, tmp_path):
    for name in ("random.py", "select.py", "pandas.py"):
        (tmp_path / name).write_text("raise SystemError('shadowed')")
    zygote = Zygote(tmp_path)
    zygote.folder = sockets
    assert start(WRITE, zygote=zygote).end().ok
    zygote.close()
