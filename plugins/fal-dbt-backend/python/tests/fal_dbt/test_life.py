"""How a `FalDbt` starts and ends, and its errors when it cannot start."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import venv
from pathlib import Path

import pytest
from fal import FalDbt, FalError

_PACKAGE = str(Path(__file__).parent.parent.parent)


def test_reload_sees_new_files_and_dbt_says_what_is_wrong_with_them_and_close_is_final(new_shop):
    with FalDbt(project_dir=str(new_shop), default_model_name="orders") as fal:
        assert fal.context.current_model.name == "orders"
        broken = new_shop / "models" / "late.sql"
        broken.write_text("select * from {{ ref('nowhere') }}")
        with pytest.raises(FalError, match="depends on a node named 'nowhere' which was not found"):
            fal.reload()
        broken.write_text("{{ config(materialized='ephemeral') }} select 8 as x")
        assert fal.ref("late")["x"].tolist() == [8]
    fal.close()
    with pytest.raises(FalError, match="is closed"):
        fal.ref("orders")


def test_a_session_that_was_killed_is_started_again(fal):
    before = fal._there._child
    before._process.kill()
    before._process.wait()
    with contextlib.suppress(FalError):  # The process may have ended without being reaped yet.
        fal.ref("orders")
    assert fal.ref("orders")["id"].tolist() == [1, 2, 3]
    assert fal._there._child is not before


def test_wrong_places_are_told_at_once(shop, tmp_path):
    with pytest.raises(FalError, match="has no dbt_project.yml"):
        FalDbt(project_dir=tmp_path)
    with pytest.raises(FalError, match="has no profiles.yml"):
        FalDbt(project_dir=shop, profiles_dir=tmp_path)
    with pytest.raises(FalError, match="cannot be started"):
        FalDbt(project_dir=shop, python=tmp_path / "python")
    with pytest.raises(FalError, match="vars is a mapping"):
        FalDbt(project_dir=shop, vars="[1]")


def test_a_python_without_dbt_is_named(shop, tmp_path):
    venv.create(tmp_path / "bare", symlinks=True)
    python = tmp_path / "bare" / "bin" / "python"
    with pytest.raises(FalError, match=f"dbt is not installed in {python}"):
        FalDbt(project_dir=shop, python=python)


@pytest.fixture
def heeds_sigint():
    """Handles SIGINT as Python does by default; a shell's background job starts with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_sigint")
def test_an_interrupted_query_ends_and_the_notebook_goes_on(fal):
    def interrupt():
        while not any(thread.name == "fal-read" for thread in threading.enumerate()):
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    fal.ref("orders")
    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        fal.execute_sql("select sum(a.range * b.range) from range(100000) a, range(3000000) b")
    assert fal.ref("orders")["id"].tolist() == [1, 2, 3]
    assert not any(thread.name == "fal-read" for thread in threading.enumerate())


def test_a_killed_interpreter_leaves_no_session_and_no_folder(new_shop):
    program = (
        "import sys, time; from fal import FalDbt; fal = FalDbt(sys.argv[1], sys.argv[1]); fal.ref('orders')\n"
        "child = fal._there._child; print(child._process.pid, child._folder, flush=True); time.sleep(600)"
    )
    environment = {**os.environ, "PYTHONPATH": _PACKAGE}
    command = [sys.executable, "-c", program, str(new_shop)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True
    ) as interpreter:
        pid, folder = interpreter.stdout.readline().split()
        interpreter.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while _lives(int(pid)) or os.path.exists(folder):
        assert time.monotonic() < deadline, "the session outlives its interpreter"
        time.sleep(0.02)


def _lives(pid):
    """Whether a process runs. A zombie that was never reaped counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
