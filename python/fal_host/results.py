"""The results of nodes, from run_results.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any


@dataclass(frozen=True)
class NodeResult:
    """A row of run_results.json, with the names that dbt's own results have."""

    unique_id: str
    status: str
    message: str | None = None
    failures: int | None = None
    execution_time: float = 0.0
    thread_id: str = ""
    adapter_response: dict[str, Any] = field(default_factory=dict)
    timing: list[dict[str, Any]] = field(default_factory=list)
    relation_name: str | None = None

    @property
    def node(self) -> SimpleNamespace:
        """What the row says of its node."""
        kind, _, rest = self.unique_id.partition(".")
        name = rest.split(".")[1] if "." in rest else rest
        return SimpleNamespace(
            unique_id=self.unique_id,
            name=name,
            resource_type=kind,
            relation_name=self.relation_name,
        )


@dataclass(frozen=True)
class Results:
    """The nodes that a command ran, in their order."""

    results: list[NodeResult]
    elapsed_time: float = 0.0
    args: dict[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[NodeResult]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)


def read(path: Path) -> Results:
    with path.open(encoding="utf-8") as file:
        artifact = json.load(file)
    known = NodeResult.__dataclass_fields__
    rows = [
        NodeResult(
            **{name: value for name, value in row.items() if name in known and value is not None}
        )
        for row in artifact["results"]
    ]
    return Results(rows, artifact.get("elapsed_time", 0.0), artifact.get("args", {}))
