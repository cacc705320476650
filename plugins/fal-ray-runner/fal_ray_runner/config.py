"""The runner's configuration: `plugins: config: fal-ray-runner:` in fal_project.yml."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fal_plugin import PluginError

_SIZE = {"type": ["integer", "string"], "minimum": 0, "pattern": r"^\d+(\.\d+)? *([kKMGT]i?)?B?$"}
_OBJECT_STORE = {
    "type": "object",
    "properties": {"enabled": {"type": "boolean"}, "max_bytes": _SIZE},
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "address": {
            "type": "string",
            "minLength": 1,
            "description": "The cluster: HOST:PORT, ray://HOST:PORT, or `auto`: the one of this machine",
        },
        "token": {"type": "string", "minLength": 1, "description": "The cluster's token; better in token_file"},
        "token_file": {"type": "string", "minLength": 1, "description": "A file with the cluster's token"},
        "python": {
            "type": "string",
            "minLength": 1,
            "description": "Python with Ray, on this machine: runs the driver",
        },
        "py_executable": {
            "type": "string",
            "minLength": 1,
            "description": "Python of the models, on the cluster's machines; without it the cluster's own",
        },
        "environments": {
            "type": "object",
            "additionalProperties": {"type": ["string", "object"], "minLength": 1},
            "description": "For each environment of the project its Python on the cluster, or a runtime_env of Ray",
        },
        "retries": {
            "type": "integer",
            "minimum": 0,
            "description": "Further attempts after the death of a worker or of its machine",
        },
        "object_store": {
            "anyOf": [{"type": "boolean"}, _OBJECT_STORE],
            "description": "Whether rows go from model to model by Ray's object store, and how much of it is taken",
        },
        "concurrency": {"type": "integer", "minimum": 1, "description": "Models that are given to the cluster at once"},
        "scheduling": {
            "enum": ["spread", "pack"],
            "description": "Over the cluster's machines, or one after the other",
        },
        "connect_timeout": {"type": "number", "exclusiveMinimum": 0, "description": "Seconds to reach the cluster"},
        "queue_timeout": {
            "type": "number",
            "minimum": 0,
            "description": "Seconds to wait for a machine that is large enough for a model, where there is none",
        },
    },
    "additionalProperties": False,
}
_UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


@dataclass(frozen=True)
class Config:
    """A configuration that matches the schema, with defaults filled in."""

    address: str = "auto"
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
    python: str | None = None
    py_executable: str | None = None
    environments: Mapping[str, str | Mapping[str, Any]] = field(default_factory=dict)
    retries: int = 2
    keep_tables: bool = True
    max_bytes: int | None = None
    concurrency: int = 16
    scheduling: str = "spread"
    connect_timeout: float = 60.0
    queue_timeout: float = 60.0

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Config:
        """Reads the mapping from fal-host, which has checked it against the schema."""
        values = {key: value for key, value in raw.items() if key != "object_store"}
        unknown = sorted(values.keys() - cls.__dataclass_fields__.keys())
        if unknown:
            raise PluginError("ray::config", f"the Ray runner knows no `{unknown[0]}` in its configuration")
        if raw.get("token") and raw.get("token_file"):
            raise PluginError("ray::config", "the Ray runner takes `token` or `token_file`, not both")
        store = raw.get("object_store", True)
        if isinstance(store, Mapping):
            limit = store.get("max_bytes")
            values.update(keep_tables=store.get("enabled", True), max_bytes=None if limit is None else size(limit))
        else:
            values.update(keep_tables=bool(store))
        values.setdefault("address", os.environ.get("RAY_ADDRESS") or "auto")
        return cls(**values)

    def secret(self, project: str) -> str | None:
        """Returns the token that the configuration sets, if any. Ray finds tokens elsewhere by itself."""
        if self.token_file is None:
            return self.token
        path = self.path(self.token_file, project)
        try:
            with open(path, encoding="utf-8") as file:
                token = file.read().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise PluginError("ray::token", f"the cluster's token cannot be read from {path}: {error}") from None
        if not token:
            raise PluginError("ray::token", f"the file of the cluster's token is empty: {path}")
        return token

    @staticmethod
    def path(text: str, project: str) -> str:
        """Resolves a path of the configuration: below the user's home, absolute or below the project."""
        return os.path.join(project, os.path.expanduser(text))

    def runtime_env(self, environment: str | None) -> dict[str, Any]:
        """Returns Ray's runtime environment for a model that names this environment."""
        if environment is None or environment == "local":
            return {"py_executable": self.py_executable} if self.py_executable else {}
        if environment not in self.environments:
            help = f"Name its Python on the cluster's machines: `environments: {{{environment}: /path/to/python}}`"
            message = f"the Ray runner has no environment `{environment}` among `environments` of its configuration"
            raise PluginError("ray::environment", message, help)
        known = self.environments[environment]
        return {"py_executable": known} if isinstance(known, str) else dict(known)


def size(value: int | str) -> int:
    """Returns a size in bytes: a number, or a number with a unit such as `512MiB` or `4GB`."""
    if isinstance(value, int):
        return value
    parts = re.fullmatch(r"(\d+(?:\.\d+)?) *([kKMGT]?)(i?)B?", value)
    if not parts:
        raise PluginError("ray::config", f"`{value}` is no size: write bytes, or a number with a unit such as 512MiB")
    number, unit, binary = parts.groups()
    return int(float(number) * (1024 if binary else 1000) ** _UNITS[unit.upper()])
