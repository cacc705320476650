"""The resources that a model needs, by Ray's names. Pure functions over data about the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Amounts = Mapping[str, float]


class BadResource(ValueError):
    """A resource that Ray cannot represent."""


@dataclass(frozen=True)
class Demand:
    """Amounts by Ray's resource names: `CPU`, `GPU`, `memory` and the cluster's custom resources."""

    amounts: dict[str, float] = field(default_factory=dict)
    accelerator: str | None = None

    @classmethod
    def of(cls, resources: Mapping[str, Any]) -> Demand:
        """Converts a node's `resources`. The default is one processor."""
        cpus = resources.get("cpus")
        amounts = {"CPU": 1.0 if cpus is None else float(cpus)}
        for ours, theirs in (("gpus", "GPU"), ("memory", "memory")):
            if resources.get(ours) is not None:
                amounts[theirs] = float(resources[ours])
        custom = dict(resources.get("custom") or {})
        accelerator = custom.pop("accelerator_type", None)
        if accelerator is not None and not isinstance(accelerator, str):
            raise BadResource("`accelerator_type` is a name, such as A100")
        for name, value in custom.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
                raise BadResource(f"`{name}: {value}`: a resource of a Ray cluster is a number of 0 or more")
            amounts[name] = float(value)
        return cls(amounts, accelerator)

    def options(self) -> dict[str, Any]:
        """Returns the demand as options of a Ray task."""
        rest = {name: amount for name, amount in self.amounts.items() if name not in ("CPU", "GPU", "memory")}
        options: dict[str, Any] = {"num_cpus": self.amounts["CPU"], "resources": rest}
        if "GPU" in self.amounts:
            options["num_gpus"] = self.amounts["GPU"]
        if "memory" in self.amounts:
            options["memory"] = int(self.amounts["memory"])
        if self.accelerator:
            options["accelerator_type"] = self.accelerator
        return options

    def fits(self, machine: Amounts) -> bool:
        """Returns whether a machine is large enough in total, including resources in use."""
        wanted = dict(self.amounts)
        if self.accelerator:
            wanted[f"accelerator_type:{self.accelerator}"] = 0.001
        return all(machine.get(name, 0.0) >= amount for name, amount in wanted.items() if amount > 0)

    def __str__(self) -> str:
        text = shown(self.amounts)
        return f"{text}, accelerator {self.accelerator}" if self.accelerator else text


def shown(amounts: Amounts) -> str:
    """Formats amounts: `2 CPU, 4.0 GB memory, 1 tpu`. Leaves out Ray's internal resources."""
    hidden = ("node:", "accelerator_type:", "object_store_memory")
    names = sorted((name for name in amounts if not name.startswith(hidden)), key=lambda name: (_rank(name), name))
    return ", ".join(_amount(name, amounts[name]) for name in names) or "nothing"


def machines(nodes: Iterable[Mapping[str, Any]]) -> str:
    """Formats the resources of the cluster's machines."""
    lines = [f"{node.get('NodeManagerAddress', '?')}: {shown(node.get('Resources') or {})}" for node in nodes]
    return "; ".join(lines) or "no machines"


def _rank(name: str) -> int:
    return {"CPU": 0, "GPU": 1, "memory": 2}.get(name, 3)


def _amount(name: str, amount: float) -> str:
    return f"{amount / 1e9:.2f} GB memory" if name == "memory" else f"{amount:g} {name}"
