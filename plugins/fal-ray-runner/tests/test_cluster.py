"""Why a cluster cannot be joined."""

import socket

import pytest

from fal_ray_runner import cluster


class AuthenticationError(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AuthenticationError("no token"), "ray::token"),
        (ConnectionError("... InvalidAuthToken ..."), "ray::token"),
        (RuntimeError("Version mismatch: The cluster was started with: Ray: 2.50.0"), "ray::versions"),
        (ConnectionError("Could not find any running Ray instance."), "ray::address"),
        (ValueError("Ray Client requires pip package `ray[client]`."), "ray::client"),
        (SystemExit(15), "ray::connect"),
    ],
)
def test_what_ray_says_is_told_with_a_way_out(error: BaseException, code: str) -> None:
    problem = cluster.explained(error, "10.0.0.1:6379")
    assert problem.code == code
    assert str(error) in problem.message
    assert problem.help or code == "ray::connect"


@pytest.mark.parametrize("address", ["{}", "ray://{}", "ray://{}/?x=1"])
def test_an_address_where_nobody_listens_is_told_at_once(address: str) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        here = address.format(f"127.0.0.1:{listener.getsockname()[1]}")
        cluster.look(here)
    with pytest.raises(cluster.ClusterProblem) as error:
        cluster.look(here)
    assert here in error.value.message


@pytest.mark.parametrize("address", ["auto", "local"])
def test_other_addresses_are_left_to_ray(address: str) -> None:
    cluster.look(address)
