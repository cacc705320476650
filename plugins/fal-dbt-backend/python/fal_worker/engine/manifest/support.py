"""What Python models cannot have where dbt runs as a program: refused by name, since nothing may be silently ignored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fal_worker.errors import SessionError

from .jinja import env_var, render_all
from .settings import Settings, load_yaml

_WAY_OUT = "Use dbt-core 1.8 to 1.12 in the Python of --python, or remove it from the model's configuration."
# What becomes a table of a Python model.
_TABLES = ("table", "view", "ephemeral")


def check_model(settings: Settings, node: Any) -> None:
    """Raises for a configuration that only dbt's own macros could honour."""
    config = node.config
    kind = _materialized(settings, node)
    wanted = {
        f"materialized: {kind}": kind not in _TABLES,
        "grants": bool(config.get("grants")),
        "indexes": bool(config.get("indexes")),
        "persist_docs": any((config.get("persist_docs") or {}).values()),
        "an enforced contract": bool((config.get("contract") or {}).get("enforced")),
        "pre-hooks in SQL": bool(config.get("pre-hook")),
        "post-hooks in SQL": bool(config.get("post-hook")),
    }
    asked = [name for name, is_wanted in wanted.items() if is_wanted]
    if asked:
        message = f"{node.unique_id}: {', '.join(asked)} of a Python model need dbt's own macros, and dbt runs as a program here"
        raise SessionError("engine::unsupported", message, _WAY_OUT)


def _materialized(settings: Settings, node: Any) -> str:
    """What would be there without the stub's own `ephemeral`, which hides it in manifest.json."""
    names = {
        "env_var": env_var,
        "var": lambda name, default=None: settings.vars_of(node.package_name).get(name, default),
    }
    said = _in_schema_file(settings, node) or _in_project(settings, node)
    return str(render_all(said, names, node.unique_id)) if said else "table"


def _in_schema_file(settings: Settings, node: Any) -> Any:
    if not node.patch_path:
        return None
    content = load_yaml(Path(settings.project_root) / str(node.patch_path).partition("://")[2])
    for entry in content.get("models") or []:
        if entry.get("name") == node.name and (entry.get("config") or {}).get("materialized"):
            return entry["config"]["materialized"]
    return None


def _in_project(settings: Settings, node: Any) -> Any:
    """The deepest entry of dbt_project.yml that applies."""
    level, found = settings.project.get("models") or {}, None
    for part in [None, *node.fqn]:
        level = level if part is None else level.get(part)
        if not isinstance(level, dict):
            break
        found = level.get("+materialized") or _plain(level.get("materialized")) or found
    return found


def _plain(value: Any) -> Any:
    # Without its plus it may be a folder of that name.
    return value if isinstance(value, str) else None
