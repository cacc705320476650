"""What dbt_project.yml and profiles.yml say, as far as the data plane needs it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fal_worker.errors import SessionError

from .jinja import env_var, need, render, render_all


@dataclass(frozen=True)
class Settings:
    """One target of one profile, for one project."""

    project: dict[str, Any]
    project_root: str
    profile_name: str
    target_name: str
    # The chosen output, rendered.
    output: dict[str, Any]
    target_path: str
    vars: dict[str, Any] = field(default_factory=dict)

    @property
    def credentials(self) -> SimpleNamespace:
        return _credentials(self.output)

    @property
    def threads(self) -> int:
        return int(self.output.get("threads") or 1)

    def quoted(self, part: str) -> bool:
        return bool((self.project.get("quoting") or {}).get(part, True))

    def vars_of(self, package: str) -> dict[str, Any]:
        """As dbt's `var` looks them up in a node of a package."""
        declared = self.project.get("vars") or {}
        common = {name: value for name, value in declared.items() if not isinstance(value, dict)}
        own = declared.get(package)
        return {**common, **(own if isinstance(own, dict) else {}), **self.vars}


def read(request: dict[str, Any]) -> Settings:
    """For an `OpenRequest`."""
    root = request["project_dir"]
    cli_vars = dict(request.get("vars") or {})
    project = load_yaml(Path(root) / "dbt_project.yml")
    names = {"env_var": env_var, "var": lambda name, default=None: cli_vars.get(name, default)}
    profile_name = request.get("profile") or os.environ.get("DBT_PROFILE")
    profile_name = profile_name or render(
        str(project.get("profile") or ""), names, "dbt_project.yml"
    )
    path = _profiles(request)
    profile = load_yaml(path).get(profile_name)
    if not isinstance(profile, dict):
        raise SessionError("dbt::profile", f"{path} has no profile `{profile_name}`")
    target = (
        request.get("target")
        or os.environ.get("DBT_TARGET")
        or render(str(profile.get("target") or "default"), names, str(path))
    )
    outputs = profile.get("outputs") or {}
    if target not in outputs:
        raise SessionError(
            "dbt::profile",
            f"The profile `{profile_name}` has no target `{target}`; it has {', '.join(map(str, outputs))}",
        )
    output = render_all(outputs[target], names, str(path))
    if request.get("threads"):
        output["threads"] = request["threads"]
    return Settings(
        project, root, profile_name, target, output, _target_path(request, project, names), cli_vars
    )


def _profiles(request: dict[str, Any]) -> Path:
    folders = [request.get("profiles_dir"), os.environ.get("DBT_PROFILES_DIR")]
    named = next((folder for folder in folders if folder), None)
    places = [Path(named)] if named else [Path.cwd(), Path.home() / ".dbt"]
    for place in places:
        if (path := place.expanduser() / "profiles.yml").is_file():
            return path
    raise SessionError(
        "dbt::profile", f"There is no profiles.yml in {' or '.join(map(str, places))}"
    )


def _target_path(request: dict[str, Any], project: dict[str, Any], names: dict[str, Any]) -> str:
    said = request.get("target_path") or os.environ.get("DBT_TARGET_PATH")
    said = said or render(str(project.get("target-path") or "target"), names, "dbt_project.yml")
    return os.path.abspath(os.path.join(request["project_dir"], said))


def load_yaml(path: Path) -> dict[str, Any]:
    """A file of mappings; an empty one for anything else."""
    yaml = need("yaml", "pyyaml", "Reading dbt's settings")
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise SessionError("dbt::project", f"{path}: {error}") from None
    return value if isinstance(value, dict) else {}


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
