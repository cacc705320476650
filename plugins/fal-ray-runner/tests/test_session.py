"""A session with a stand-in for its driver's process."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from fal_plugin import Events, PluginError
from fal_ray_runner.backend import RayRunner

# A program in place of the driver's Python. It reads the settings and then runs the test's code.
DRIVER = """#!{python}
import json, os, signal, sys, time
def say(**message):
    print(json.dumps(message), flush=True)
def hear():
    line = sys.stdin.readline()
    return json.loads(line) if line else sys.exit()
settings = hear()
{body}
"""
READY = "say(event='ready')\n"


class Bench:
    """A session with a driver that runs `body`."""

    def __init__(self, folder: Path, body: str, **config: Any) -> None:
        self.folder = folder
        program = folder / "python"
        program.write_text(DRIVER.format(python=sys.executable, body=body))
        program.chmod(0o755)
        self.events: list[dict[str, Any]] = []
        backend = RayRunner({"python": str(program), **config})
        request = {"project_dir": str(folder), "state_dir": str(folder / "state")}
        self.session = backend.open(request, Events(self.events.append))

    def node(self, name: str = "m", **more: Any) -> dict[str, Any]:
        script = self.folder / f"{name}.py"
        script.write_text("the script")
        inputs = [{"unique_id": "parent"}]
        lease = {
            "script": str(script),
            "inputs": inputs,
            "output_is_rows": True,
            "environment": more.pop("environment", None),
        }
        return {"unique_id": name, "work": {"kind": "python"}, "lease": lease, **more}


def test_a_node_goes_to_the_driver_and_comes_back(tmp_path: Path) -> None:
    body = (
        READY + "task = hear(); say(event='log', level='warn', message=json.dumps([settings, task]), unique_id='m')\n"
    )
    body += "print('noise', file=sys.stderr, flush=True)\n"
    body += "say(event='ended', unique_id='m', ok=True, node='10.0.0.1', attempts=2); hear()"
    bench = Bench(tmp_path, body, address="10.0.0.1:6379", retries=5)
    bench.session.begin({})
    result = bench.session.run_node(bench.node(resources={"cpus": 2, "timeout": 5}))
    assert (result["status"], result["message"]) == ("success", None)
    assert result["adapter_response"] == {"node": "10.0.0.1", "attempts": 2}
    bench.session.close({"interrupted": False})
    said = [event["message"] for event in bench.events if event["level"] == "warn"]
    assert '"retries": 5' in said[0]
    assert '"script": "the script"' in said[0]
    assert '"inputs": ["parent"], "keep": true' in said[0]
    assert ("debug", "ray: noise") in [(event["level"], event["message"]) for event in bench.events]


def test_a_driver_that_cannot_connect_says_why(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "say(event='failed', code='ray::address', message='nothing there', help='look')")
    with pytest.raises(PluginError, match="nothing there") as error:
        bench.session.begin({})
    assert (error.value.code, error.value.help) == ("ray::address", "look")


def test_a_refused_token_is_not_waited_for(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "print('RPC error: InvalidAuthToken', file=sys.stderr, flush=True); hear()")
    with pytest.raises(PluginError, match="refuses the token"):
        bench.session.begin({})


def test_connecting_has_its_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "hear()", connect_timeout=0.2)
    with pytest.raises(PluginError, match="connect_timeout"):
        bench.session.begin({})


@pytest.mark.parametrize(
    ("last", "words"),
    [("sys.exit(7)", "exit code 7"), ("os.kill(os.getpid(), signal.SIGKILL)", "signal 9")],
)
def test_a_driver_that_ends_is_an_error_with_its_last_words(tmp_path: Path, last: str, words: str) -> None:
    body = READY + "hear(); print('the reason', file=sys.stderr, flush=True)\n" + last
    bench = Bench(tmp_path, body)
    bench.session.begin({})
    with pytest.raises(PluginError, match=f"ended: {words}\nthe reason"):
        bench.session.run_node(bench.node())
    with pytest.raises(PluginError, match="the reason"):
        bench.session.run_node(bench.node("later"))


def test_a_python_that_is_not_there(tmp_path: Path) -> None:
    session = RayRunner({"python": "./none"}).open({"project_dir": str(tmp_path)}, Events(print))
    with pytest.raises(PluginError, match=r"cannot be started: .*none"):
        session.begin({})


@pytest.mark.parametrize("obeys", [True, False])
def test_a_cancelled_node_ends_whether_the_driver_obeys_or_not(tmp_path: Path, obeys: bool) -> None:
    body = READY + "hear(); say(event='log', level='info', message='got it'); hear()\n"
    body += "say(event='ended', unique_id='m', ok=False, message='cancelled'); hear()" if obeys else "time.sleep(600)"
    bench = Bench(tmp_path, body)
    bench.session.begin({})
    got, results = threading.Event(), []
    bench.session._events._emit = lambda event: got.set()

    def run() -> None:
        try:
            results.append(bench.session.run_node(bench.node())["message"])
        except PluginError as error:
            results.append(error.message)

    thread = threading.Thread(target=run)
    thread.start()
    assert got.wait(30)
    bench.session.cancel()
    thread.join()
    assert results == ["cancelled" if obeys else "the run was cancelled"]
    bench.session.cancel()
    assert bench.session.close({"interrupted": True}) == {}


def test_without_nodes_no_driver_is_started(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "open('started', 'w')")
    assert bench.session.load({}) == {"info": {}, "nodes": []}
    bench.session.cancel()
    assert bench.session.close({}) == bench.session.close({}) == {}
    assert not (tmp_path / "state").exists()
    with pytest.raises(PluginError, match="closed"):
        bench.session.run_node(bench.node())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"resources": {"custom": {"queue": "night"}}}, "`queue: night`"),
        ({"environment": {"name": "ml"}}, "no environment `ml`"),
        ({"work": {"kind": "python", "environment": "ml"}}, "no environment `ml`"),
    ],
)
def test_what_a_node_cannot_have_fails_it_alone(tmp_path: Path, more: dict, message: str) -> None:
    bench = Bench(tmp_path, READY + "hear()")
    bench.session.begin({})
    result = bench.session.run_node(bench.node(**more))
    assert result["status"] == "error"
    assert message in result["message"]
    bench.session.drop()


def test_what_the_host_must_not_ask(tmp_path: Path) -> None:
    bench = Bench(tmp_path, READY)
    with pytest.raises(PluginError, match="before the session began"):
        bench.session.run_node(bench.node())
    with pytest.raises(PluginError, match="without a lease"):
        bench.session.run_node({"unique_id": "m", "work": {"kind": "dbt"}})
    with pytest.raises(PluginError, match="no project folder"):
        RayRunner({}).open({"project_dir": str(tmp_path / "none")}, Events(print))
