"""A stand-in for the parts of `ray` that the driver calls. Each test scripts its behaviour."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest


class RayError(Exception):
    pass


class TaskCancelledError(RayError):
    pass


class WorkerCrashedError(RayError):
    pass


class NodeDiedError(RayError):
    pass


class Task:
    """The result of `remote`: a stream of the task's values. Reading an error raises it."""

    def __init__(self, items: list[Any]) -> None:
        self.items = iter(items)

    def __iter__(self) -> Task:
        return self

    def __next__(self) -> Any:
        return next(self.items)


class FakeRay:
    """Each submitted task takes the next list of `script`."""

    __version__ = "2.60.0"
    exceptions = SimpleNamespace(
        RayError=RayError,
        TaskCancelledError=TaskCancelledError,
        WorkerCrashedError=WorkerCrashedError,
        NodeDiedError=NodeDiedError,
    )
    cloudpickle = SimpleNamespace(register_pickle_by_value=lambda module: None)

    def __init__(self) -> None:
        self.script: list[list[Any]] = []
        self.submitted: list[tuple[dict[str, Any], tuple[Any, ...]]] = []
        self.cancelled: list[Any] = []
        self.machines = [machine("a", CPU=4.0, memory=8e9)]

    def remote(self, **options: Any) -> Any:
        def submit(extra: dict[str, Any], *arguments: Any) -> Task:
            self.submitted.append(({**options, **extra}, arguments))
            return Task(self.script.pop(0))

        def bind(function: Any) -> Any:
            with_options = lambda **extra: SimpleNamespace(remote=lambda *arguments: submit(extra, *arguments))  # noqa: E731
            return SimpleNamespace(options=with_options)

        return bind

    def nodes(self) -> list[dict[str, Any]]:
        return self.machines

    def cluster_resources(self) -> dict[str, float]:
        return {"object_store_memory": 1000.0}

    def get(self, reference: Any, timeout: float | None = None) -> Any:
        if isinstance(reference, BaseException):
            raise reference
        return reference

    def wait(self, references: list[Any], timeout: float | None = None) -> tuple[list[Any], list[Any]]:
        return references, []

    def cancel(self, task: Any, force: bool) -> None:
        self.cancelled.append((task, force))


def machine(name: str, **resources: float) -> dict[str, Any]:
    """Returns a machine of the cluster in the form of `ray.nodes`."""
    return {"NodeID": name, "Alive": True, "NodeManagerAddress": f"10.0.0.{name}", "Resources": resources}


@pytest.fixture
def ray() -> FakeRay:
    return FakeRay()
