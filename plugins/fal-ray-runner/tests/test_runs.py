"""Attempts at a node, with a stand-in for Ray."""

from __future__ import annotations

import io
import json
import time
from typing import Any

import pytest
from conftest import FakeRay, NodeDiedError, TaskCancelledError, WorkerCrashedError, machine

from fal_ray_runner import run as run_module
from fal_ray_runner.lines import Writer
from fal_ray_runner.run import Run
from fal_ray_runner.runs import Runs

PLACE = {"node_id": "a", "node": "10.0.0.1", "host": "one", "pid": 7}


def end(code: int = 0, size: int | None = None, **more: Any) -> dict[str, Any]:
    return {"code": code, "words": "", "from_store": 0, "from_gateway": 0, "bytes": size, **more}


class Bench:
    """Runs with the stand-in for Ray, and their messages."""

    def __init__(self, ray: FakeRay, **settings: Any) -> None:
        self.stream = io.BytesIO()
        base = {"address": "auto", "retries": 2, "keep_tables": True, "max_bytes": None, "scheduling": "spread"}
        self.runs = Runs(ray, {**base, "queue_timeout": 0.0, **settings}, Writer(self.stream))

    def run(self, name: str = "m", **node: Any) -> dict[str, Any]:
        base = {
            "script": "s",
            "amounts": {"CPU": 1.0},
            "accelerator": None,
            "runtime_env": {},
            "inputs": [],
            "keep": True,
        }
        return Run(self.runs, {"unique_id": f"model.shop.{name}", **base, **node}).to_its_end()

    def said(self) -> list[str]:
        lines = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [f"{line['level']} {line['message']}" for line in lines]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "_BREATH", 0.0)


def test_a_node_that_ends_well_hands_its_rows_on(ray: FakeRay) -> None:
    bench = Bench(ray)
    ray.script = [[PLACE, end(size=200), "table of a"], [PLACE, end(size=100), "table of b"], [PLACE, end()]]
    assert bench.run("a") == {"ok": True, "node": "10.0.0.1", "attempts": 1}
    bench.run("b", inputs=["model.shop.a", "model.shop.sql"])
    bench.run("c", inputs=["model.shop.a"], keep=False, runtime_env={"py_executable": "/py"})
    options, arguments = ray.submitted[1]
    assert arguments == ("s", {"model.shop.a": ["table of a"]}, 250, run_module._TABLE_PATIENCE)
    assert (options["max_calls"], options["max_retries"], options["num_returns"]) == (1, 0, "streaming")
    assert (options["name"], options["scheduling_strategy"]) == ("fal-host: b", "SPREAD")
    options, arguments = ray.submitted[2]
    assert (arguments[2], options["runtime_env"]) == (-1, {"py_executable": "/py"})


def test_the_object_store_can_be_switched_off(ray: FakeRay) -> None:
    bench = Bench(ray, keep_tables=False)
    ray.script = [[PLACE, end()], [PLACE, end()]]
    bench.run("a")
    bench.run("b", inputs=["model.shop.a"])
    assert [arguments[1:3] for _, arguments in ray.submitted] == [({}, -1), ({}, -1)]


@pytest.mark.parametrize(
    ("ended", "message"),
    [
        (end(1), "the model failed on 10.0.0.1 (one, node a, process 7)"),
        (
            end(3, words="fal: no gateway"),
            "the model could not work on 10.0.0.1 (one, node a, process 7): fal: no gateway",
        ),
        (end(4), "the model could not work on 10.0.0.1 (one, node a, process 7): exit code 4"),
    ],
)
def test_a_model_that_fails_is_not_run_again(ray: FakeRay, ended: dict, message: str) -> None:
    ray.script = [[PLACE, ended]]
    outcome = Bench(ray).run()
    assert (outcome["ok"], outcome["message"], len(ray.submitted)) == (False, message, 1)


def test_a_death_is_followed_by_another_attempt(ray: FakeRay) -> None:
    bench = Bench(ray)
    ray.script = [[WorkerCrashedError("gone. Look here")], [PLACE, WorkerCrashedError("gone")], [PLACE, end()]]
    assert bench.run() == {"ok": True, "node": "10.0.0.1", "attempts": 3}
    assert [line for line in bench.said() if line.startswith("warn")] == [
        "warn m: its process died before it reported where it runs: gone; running it again",
        "warn m: its process died on 10.0.0.1 (one, node a, process 7): gone; running it again",
    ]


def test_a_model_whose_time_is_over_is_not_run_again(ray: FakeRay) -> None:
    ray.script = [[PLACE, WorkerCrashedError("gone")]]
    outcome = Bench(ray).run(timeout=0.0)
    where = "on 10.0.0.1 (one, node a, process 7)"
    message = f"the model ran longer than its timeout, and its process was ended {where}"
    assert outcome == {"ok": False, "message": message, "attempts": 1}
    ray.script = [[WorkerCrashedError("gone")], [PLACE, WorkerCrashedError("gone")], [PLACE, end()]]
    assert Bench(ray).run(timeout=3600.0)["attempts"] == 3


def test_attempts_come_to_an_end(ray: FakeRay) -> None:
    ray.script = [[PLACE, WorkerCrashedError("gone")] for _ in range(2)]
    outcome = Bench(ray, retries=1).run()
    message = "the model's process died on 10.0.0.1 (one, node a, process 7): gone (attempt 2 of 2)"
    assert outcome == {"ok": False, "message": message, "attempts": 2}


def test_after_a_machine_died_the_cluster_is_asked_until_it_knows(ray: FakeRay) -> None:
    ray.script = [[PLACE, NodeDiedError("dead")], [{**PLACE, "node": "10.0.0.2"}, end()]]
    looks = iter([[machine("a", CPU=4.0)]] * 3 + [[machine("b", CPU=4.0)]] * 9)
    ray.nodes = lambda: next(looks)  # type: ignore[method-assign]
    assert Bench(ray).run()["node"] == "10.0.0.2"
    assert len(list(looks)) == 7, "one look ahead of each attempt, three until the machine is gone"


def test_a_model_that_fits_no_machine_says_what_there_is(ray: FakeRay) -> None:
    outcome = Bench(ray).run(amounts={"CPU": 99.0})
    assert outcome["message"] == (
        "no machine of the Ray cluster is large enough for the model: "
        "it asks for 99 CPU; the cluster has 10.0.0.a: 4 CPU, 8.00 GB memory"
    )
    assert not ray.submitted


def test_a_machine_that_joins_is_taken(ray: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "_ROUND", 0.0)
    bench = Bench(ray, queue_timeout=60.0)
    looks = iter([[]] * 3 + [[machine("b", CPU=99.0)]])
    ray.nodes = lambda: next(looks)  # type: ignore[method-assign]
    ray.script = [[PLACE, end()]]
    assert bench.run(amounts={"CPU": 99.0})["ok"]
    warnings = [line for line in bench.said() if "no machine is large enough" in line]
    assert len(warnings) == 1
    assert warnings[0].startswith("warn m: no machine is large enough, waiting 60 s")


def test_a_cancelled_task_ends_its_node(ray: FakeRay) -> None:
    bench = Bench(ray)
    ray.script = [[PLACE, TaskCancelledError()]]
    assert bench.run() == {"ok": False, "message": "cancelled"}
    bench.runs.cancel()
    ray.script = [[PLACE, WorkerCrashedError("killed")]]
    assert bench.run() == {"ok": False, "message": "cancelled"}
    assert ray.cancelled[0][1] is True, "one that is submitted while all are cancelled is cancelled as well"


def test_a_python_that_never_starts_is_looked_at(ray: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(ray)
    monkeypatch.setattr(run_module, "_SUSPICIOUS", -1.0)
    ray.wait = lambda references, timeout: ([], references)  # type: ignore[method-assign]
    bench.runs.look.remote = lambda python: "it has no Ray"
    ray.script = [[]]
    outcome = bench.run(runtime_env={"py_executable": "/py"})
    assert outcome["message"] == "the Python /py of the model cannot run tasks on the cluster: it has no Ray"
    assert ray.cancelled


def test_a_python_in_which_tasks_die_at_once_is_looked_at_too(ray: FakeRay) -> None:
    bench = Bench(ray)
    looks = iter(["", "it has Python 3.9"])
    bench.runs.look.remote = lambda python: next(looks)
    ray.script = [[WorkerCrashedError("gone")], [PLACE, end()], [WorkerCrashedError("gone")]]
    assert bench.run(runtime_env={"py_executable": "/py"})["attempts"] == 2
    outcome = bench.run(runtime_env={"py_executable": "/py"})
    assert outcome["message"] == "the Python /py of the model cannot run tasks on the cluster: it has Python 3.9"


def test_every_node_has_a_last_word(ray: FakeRay) -> None:
    bench = Bench(ray)
    ray.script = [[PLACE, end()], [ValueError("unexpected")]]
    for name in ("a", "b"):
        bench.runs.start(
            {
                "unique_id": name,
                "script": "",
                "amounts": {"CPU": 1.0},
                "accelerator": None,
                "runtime_env": {},
                "inputs": [],
                "keep": False,
            }
        )
        until = time.monotonic() + 30
        while f'"unique_id":"{name}"' not in _ends(bench) and time.monotonic() < until:
            time.sleep(0.01)
    first, second = (json.loads(line) for line in _ends(bench).splitlines())
    assert first == {"event": "ended", "unique_id": "a", "ok": True, "node": "10.0.0.1", "attempts": 1}
    assert second["problem"]["message"] == "the driver of the Ray runner failed: ValueError: unexpected"


def _ends(bench: Bench) -> str:
    lines = bench.stream.getvalue().decode().splitlines()
    return "\n".join(line for line in lines if '"ended"' in line)
