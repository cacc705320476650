"""How a Python model is materialized where dbt runs as a program: read from the project's files,
since the stub's own `ephemeral` hides it in manifest.json.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fal_worker.errors import SessionError

from .dialects import texts_of
from .jinja import env_var, render_all
from .settings import Settings, load_yaml

INCREMENTAL = "incremental"
STRATEGIES = ("append", "delete+insert", "merge")
SCHEMA_CHANGES = ("ignore", "fail", "append_new_columns", "sync_all_columns")
# These become tables.
_TABLES = ("table", "view", "ephemeral")
_WAY_OUT = "Use dbt-core 1.8 to 1.12 in the Python of --python, or remove it from the model's configuration."
# Configurations that only macros of dbt's adapters honour.
_ONLY_BY_MACROS = ("sql_header", "unlogged", "merge_clauses", "merge_returning_columns")


@dataclass(frozen=True)
class Configured:
    """The materialization of one model."""

    node: Any
    # `table` or `incremental`.
    name: str
    # Whether the model's own entry in a schema file asks for a view.
    wanted_view: bool = False

    @classmethod
    def read(cls, settings: Settings, node: Any) -> Configured:
        """Raises for what cannot be done without dbt's own macros."""
        own = None
        if node.language == "python":
            name = str(node.config.materialized or "table")
            _check_native(node, name)
        else:
            own = _in_schema_file(settings, node)
            name = _rendered(settings, node, own or _in_project(settings, node) or "table")
        found = cls(node, "table" if name in _TABLES else name, own == "view")
        found._check()
        return found

    @property
    def strategy(self) -> str:
        """The strategy as the configuration names it, or `default`."""
        return str(self.node.config.incremental_strategy or "default")

    @property
    def unique_key(self) -> list[str]:
        return texts_of(self.node.config.unique_key)

    @property
    def has_contract(self) -> bool:
        return bool((self.node.config.get("contract") or {}).get("enforced"))

    def hooks(self, when: str, inside: bool) -> list[str]:
        """The SQL of hooks `pre` or `post`, of those that run inside the transaction or of the rest."""
        hooks = self.node.config.get(f"{when}-hook") or []
        given = [hook if isinstance(hook, dict) else {"sql": hook} for hook in hooks]
        return [str(hook["sql"]) for hook in given if hook.get("transaction", True) == inside]

    def check_strategy(self, strategy: str) -> None:
        if strategy == "microbatch":
            raise SessionError(
                "model::microbatch",
                f"{self.node.unique_id} is a Python model, and microbatch cuts SQL into batches: it cannot be its incremental_strategy",
                "Take append, merge or delete+insert, and let the code read the period that is missing: is_incremental(), execute_sql.",
            )
        if strategy not in ("default", *STRATEGIES):
            message = f"{self.node.unique_id}: dbt's incremental strategy '{strategy}' is a macro, and dbt runs as a program here"
            raise SessionError("engine::unsupported", message, f"Take {', '.join(STRATEGIES)}.")

    def _check(self) -> None:
        config, node = self.node.config, self.node
        wanted = {f"materialized: {self.name}": self.name not in ("table", INCREMENTAL)}
        wanted |= {name: bool(config.get(name)) for name in _ONLY_BY_MACROS}
        asked = [name for name, is_wanted in wanted.items() if is_wanted]
        if asked:
            message = f"{node.unique_id}: {', '.join(asked)} of a Python model need dbt's own macros, and dbt runs as a program here"
            raise SessionError("engine::unsupported", message, _WAY_OUT)
        if self.name == INCREMENTAL:
            self.check_strategy(self.strategy)


def _check_native(node: Any, name: str) -> None:
    if name == "view":
        raise SessionError(
            "model::materialized",
            f"{node.unique_id} is a Python model: its rows are in no query, so it cannot be materialized as view",
            'Say table or incremental: dbt.config(materialized="table").',
        )


def _rendered(settings: Settings, node: Any, said: Any) -> str:
    names = {
        "env_var": env_var,
        "var": lambda name, default=None: settings.vars_of(node.package_name).get(name, default),
    }
    return str(render_all(said, names, node.unique_id))


def _in_schema_file(settings: Settings, node: Any) -> Any:
    """What the model's entry says, that of its version first."""
    if not node.patch_path:
        return None
    content = load_yaml(Path(settings.project_root) / str(node.patch_path).partition("://")[2])
    for entry in content.get("models") or []:
        if entry.get("name") == node.name:
            of_version = [
                version
                for version in entry.get("versions") or []
                if node.version is not None and str(version.get("v")) == str(node.version)
            ]
            for part in [*of_version, entry]:
                if said := (part.get("config") or {}).get("materialized"):
                    return said
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
