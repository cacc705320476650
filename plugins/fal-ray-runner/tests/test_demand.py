"""The resources that a model needs, by Ray's names."""

import pytest

from fal_ray_runner.demand import BadResource, Demand, machines, shown


def test_a_model_that_asks_for_nothing_gets_a_processor() -> None:
    assert Demand.of({}).options() == {"num_cpus": 1.0, "resources": {}}


def test_everything_has_its_name() -> None:
    asked = {"cpus": 0.5, "gpus": 1, "memory": 4_000_000_000, "timeout": 9, "custom": {"tpu": 2}}
    asked["custom"]["accelerator_type"] = "A100"
    demand = Demand.of(asked)
    assert demand.options() == {
        "num_cpus": 0.5,
        "num_gpus": 1.0,
        "memory": 4_000_000_000,
        "resources": {"tpu": 2.0},
        "accelerator_type": "A100",
    }
    assert str(demand) == "0.5 CPU, 1 GPU, 4.00 GB memory, 2 tpu, accelerator A100"


@pytest.mark.parametrize("custom", [{"queue": "night"}, {"tpu": True}, {"tpu": -1}, {"accelerator_type": 3}])
def test_what_ray_cannot_mean_is_refused(custom: dict) -> None:
    with pytest.raises(BadResource, match=next(iter(custom))):
        Demand.of({"custom": custom})


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({}, True),
        ({"cpus": 4}, True),
        ({"cpus": 4.5}, False),
        ({"cpus": 0, "gpus": 0}, True),
        ({"gpus": 1}, False),
        ({"memory": 9e9}, False),
        ({"custom": {"tpu": 1}}, True),
        ({"custom": {"tpu": 1, "disk": 1}}, False),
        ({"custom": {"accelerator_type": "A100"}}, False),
        ({"custom": {"accelerator_type": "T4"}}, True),
    ],
)
def test_a_machine_fits_by_what_it_has_in_all(asked: dict, fits: bool) -> None:
    has = {"CPU": 4.0, "memory": 8e9, "tpu": 1.0, "accelerator_type:T4": 1.0}
    assert Demand.of(asked).fits(has) is fits


def test_what_ray_adds_for_itself_is_not_shown() -> None:
    has = {"object_store_memory": 1e9, "node:10.0.0.1": 1.0, "tpu": 1.0, "CPU": 2.0, "memory": 1.5e9}
    assert shown(has) == "2 CPU, 1.50 GB memory, 1 tpu"
    assert machines([{"NodeManagerAddress": "10.0.0.1", "Resources": has}]) == f"10.0.0.1: {shown(has)}"
    assert machines([]) == "no machines"
