"""Joins the cluster and explains failures. Ray itself would wait for minutes or end the process."""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass
from typing import Any

_PATIENCE = 5.0
_CLIENT = "ray://"


@dataclass
class ClusterProblem(Exception):
    """The reason why the cluster cannot be joined."""

    code: str
    message: str
    help: str | None = None


def connect(address: str) -> Any:
    """Joins the cluster at an address and returns the module `ray`."""
    ray = _ray()
    look(address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", namespace="fal-host")
    # Ray raises SystemExit when its own wait times out.
    except BaseException as error:
        raise explained(error, address) from error
    return ray


def client(address: str) -> bool:
    """Returns whether the cluster is reached through Ray Client."""
    return address.startswith(_CLIENT)


def look(address: str) -> None:
    """Raises `ClusterProblem` if the address names a host and a port and nothing listens there."""
    host, _, port = address.removeprefix(_CLIENT).partition("/")[0].rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
    except OSError as error:
        help = "Is the cluster up, and its port open from this machine? `address` is that of its head: HOST:6379"
        raise ClusterProblem("ray::address", f"no Ray cluster can be reached at {address}: {error}", help) from None


def explained(error: BaseException, address: str) -> ClusterProblem:
    """Turns an error of `ray.init` into a problem with a code and help; keeps Ray's own text."""
    text = str(error).strip()
    if "AuthenticationError" in type(error).__name__ or "InvalidAuthToken" in text:
        help = "Set `token_file` (or `token`, or RAY_AUTH_TOKEN) to the token that the cluster was started with"
        return ClusterProblem("ray::token", f"the Ray cluster at {address} wants a token: {text}", help)
    if "ersion mismatch" in text:
        help = "`python` in the configuration of the Ray runner must have the cluster's versions of Ray and Python"
        return ClusterProblem("ray::versions", f"the Ray of the driver ({sys.executable}) does not fit: {text}", help)
    if "ray[client]" in text:
        return ClusterProblem("ray::client", f"{address}: {text}", f"Install `ray[client]` into {sys.executable}")
    if "Could not find any running Ray instance" in text:
        help = "Set `address` in the configuration of the Ray runner: HOST:6379 or ray://HOST:10001"
        return ClusterProblem("ray::address", f"there is no Ray cluster on this machine: {text}", help)
    name = type(error).__name__
    return ClusterProblem("ray::connect", f"the Ray cluster at {address} cannot be joined: {name}: {text}")


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        help = "`python` in the configuration of the Ray runner names a Python that has Ray, of the cluster's version"
        raise ClusterProblem(
            "ray::no_ray", f"the driver's Python has no Ray: {sys.executable}: {error}", help
        ) from None
    return ray
