"""The settings of the target, as the supervisor read them from dbt_project.yml and profiles.yml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any


@dataclass(frozen=True)
class Settings:
    """One target of one profile, for one project."""

    # dbt_project.yml, not rendered.
    project: dict[str, Any]
    project_root: str
    profile_name: str
    target_name: str
    # The chosen output of the profile, rendered.
    output: dict[str, Any]
    target_path: str
    # `--vars`.
    vars: dict[str, Any]

    @property
    def credentials(self) -> SimpleNamespace:
        return _credentials(self.output)

    @property
    def threads(self) -> int:
        return int(self.output.get("threads") or 1)

    def quoted(self, part: str) -> bool:
        return bool((self.project.get("quoting") or {}).get(part, True))

    def vars_of(self, package: str) -> dict[str, Any]:
        """The variables that dbt's `var` finds in a node of a package."""
        declared = self.project.get("vars") or {}
        common = {name: value for name, value in declared.items() if not isinstance(value, dict)}
        own = declared.get(package)
        return {**common, **(own if isinstance(own, dict) else {}), **self.vars}


def _credentials(output: dict[str, Any]) -> SimpleNamespace:
    """With the names and the defaults of dbt's adapters."""
    kind = str(output.get("type") or "")
    if kind == "postgres":
        return _postgres(output)
    if kind == "duckdb":
        path = str(output.get("path") or ":memory:")
        database = output.get("database") or Path(path.split("?")[0]).stem.replace(
            ":memory:", "memory"
        )
        return SimpleNamespace(
            type=kind,
            database=database,
            schema=output.get("schema") or "main",
            path=path,
            output=output,
        )
    return SimpleNamespace(
        type=kind,
        database=output.get("database") or output.get("dbname"),
        schema=output.get("schema"),
    )


def _postgres(output: dict[str, Any]) -> SimpleNamespace:
    def number(name: str, default: int) -> int:
        return int(output.get(name) if output.get(name) not in (None, "") else default)  # type: ignore[arg-type]

    texts = ("role", "search_path", "sslmode", "sslcert", "sslkey", "sslrootcert")
    return SimpleNamespace(
        type="postgres",
        host=output.get("host"),
        user=output.get("user") or output.get("username"),
        port=number("port", 5432),
        password=output.get("password") or output.get("pass"),
        database=output.get("dbname") or output.get("database"),
        schema=output.get("schema"),
        connect_timeout=number("connect_timeout", 10),
        keepalives_idle=number("keepalives_idle", 0),
        retries=number("retries", 1),
        application_name=output.get("application_name") or "dbt",
        **{name: output.get(name) for name in texts},
    )
