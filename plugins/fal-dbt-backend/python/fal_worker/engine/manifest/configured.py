"""How a Python model is materialized where dbt runs as a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fal_worker.errors import SessionError

from .dialects import texts_of

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
    def read(cls, node: Any, said: dict[str, Any] | None = None) -> Configured:
        """Raises for what cannot be done without dbt's own macros.

        `said` is what the project's files say of a stub, whose own `ephemeral` hides it in
        manifest.json: its `name`, and whether the model's entry in a schema file has it (`is_own`).
        """
        said = said or {}
        if node.language == "python":
            name = str(node.config.materialized or "table")
            _check_native(node, name)
        else:
            name = str(said.get("name") or "table")
        wanted_view = name == "view" and bool(said.get("is_own"))
        found = cls(node, "table" if name in _TABLES else name, wanted_view)
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
