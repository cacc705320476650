"""The one request of a job."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class Request:
    """What to run. docs/notes/worker-protocol.md describes the fields."""

    job: str
    kind: str
    name: str
    path: str
    code: str
    project_dir: str
    location: str
    token: str
    unique_id: str = ""
    lines: list[dict[str, int]] | None = None
    cwd: str | None = None
    vars: dict[str, Any] = field(default_factory=dict)
    target: dict[str, Any] = field(default_factory=dict)
    keyword: str = "fal"
    scripts_dir: str | None = None
    role: str | None = None
    model: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    unit_test: dict[str, Any] | None = None
    certificate: str | None = None
    server_name: str | None = None

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> Request:
        """Reads a message. Ignores unknown fields, so that a newer supervisor may send more."""
        known = {entry.name for entry in fields(cls)}
        given = {key: value for key, value in message.items() if key in known and value is not None}
        return cls(**given)

    @property
    def attached(self) -> bool:
        """Whether the code belongs to a model, or to none, and is not a model itself."""
        return self.kind == "attached"

    @property
    def hook(self) -> bool:
        """Whether it is a part of its model."""
        return self.role in ("pre_hook", "post_hook")

    @property
    def file(self) -> str:
        """The absolute path of the model's file."""
        return os.path.normpath(os.path.join(self.project_dir, self.path))
