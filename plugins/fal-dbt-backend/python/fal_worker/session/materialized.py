"""How a Python model is materialized: what its configuration would say without the stub's own `materialized='ephemeral'`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import SessionError

if TYPE_CHECKING:
    from .invocation import Invocation

# What they make is a query, and a Python model has none.
_QUERIES = ("materialized_view", "dynamic_table", "streaming_table", "table_function", "function")
# dbt's default for models without any configuration.
_VIEW = "view"
# Adapters' own keys that a direct write honours too (`gateway/finishing.py`).
_HONOURED = ("indexes",)


@dataclass(frozen=True)
class Materialized:
    """The materialization of one model, and whether it needs dbt's own macro."""

    name: str
    # Whether the model's own entry in a schema file asked for a view.
    wanted_view: bool = False
    # What a plain table would leave out.
    reasons: tuple[str, ...] = ()

    @property
    def by_dbt(self) -> bool:
        """Whether the rows are staged, and dbt's materialization makes the relation of them."""
        return bool(self.reasons)


def materialized(invocation: Invocation, node: Any) -> Materialized:
    """Of a model's node, a stub's or a dbt-native one's. Raises for what a Python model cannot be."""
    name, own = node.config.materialized, None
    if node.unique_id in invocation.stubs:
        own = _in_schema_file(invocation, node)
        name = _without_stub(invocation, node, own)
    if name in _QUERIES:
        raise SessionError(
            "model::materialized",
            f"{node.unique_id} is a Python model: its rows are in no query, so it cannot be materialized as {name}",
            "Materialize it as table or incremental.",
        )
    plain = name in ("table", "ephemeral", _VIEW)
    name = "table" if plain else name
    if _strategy(node) == "microbatch" and name == "incremental":
        raise SessionError(
            "model::microbatch",
            f"{node.unique_id} is a Python model, and microbatch cuts SQL into batches: it cannot be its incremental_strategy",
            "Take append, merge or delete+insert, and let the code read the period that is missing: is_incremental(), execute_sql.",
        )
    return Materialized(name, own == _VIEW, _reasons(invocation, node, name))


def _reasons(invocation: Invocation, node: Any, name: str) -> tuple[str, ...]:
    config = node.config
    extra = [key for key, value in (getattr(config, "_extra", None) or {}).items() if value is not None and key not in _HONOURED]
    found = {
        f"materialized: {name}": name != "table" or _is_users(invocation, name),
        "hooks": bool(config.pre_hook or config.post_hook),
        "a contract": bool(config.contract.enforced),
        ", ".join(extra): bool(extra),
    }
    return tuple(reason for reason, holds in found.items() if holds)


def _is_users(invocation: Invocation, name: str) -> bool:
    """Whether a project has a materialization of its own in the place of dbt's."""
    from dbt.adapters.factory import get_adapter_package_names

    kind, task = invocation.adapter.type(), invocation.task
    macro = task.manifest.find_materialization_macro_by_name(task.config.project_name, name, kind)
    return macro is not None and macro.package_name not in get_adapter_package_names(kind)


def _strategy(node: Any) -> str | None:
    strategy = getattr(node.config, "incremental_strategy", None)
    return None if strategy is None else str(strategy)


def _without_stub(invocation: Invocation, node: Any, own: str | None) -> str:
    """dbt's own resolution: the projects' files, then the schema file."""
    from dbt.context.context_config import ContextConfigGenerator

    config = ContextConfigGenerator(invocation.task.config).calculate_node_config(
        config_call_dict={},
        fqn=node.fqn,
        resource_type=node.resource_type,
        project_name=node.package_name,
        base=False,
        patch_config_dict=None if own is None else {"materialized": own},
    )
    return str(config.materialized)


def _in_schema_file(invocation: Invocation, node: Any) -> str | None:
    """What the model's entry in a schema file says, that of its version first."""
    if not node.patch_path:
        return None
    config = invocation.task.config
    for entry in _entries(invocation, node):
        if (value := (entry.get("config") or {}).get("materialized")) is None:
            continue
        from dbt.context.configured import generate_schema_yml_context
        from dbt.parser.schema_renderer import SchemaYamlRenderer

        renderer = SchemaYamlRenderer(generate_schema_yml_context(config, node.package_name), "models")
        return str(renderer.render_data({"config": {"materialized": value}})["config"]["materialized"])
    return None


def _entries(invocation: Invocation, node: Any) -> list[dict[str, Any]]:
    models = [each for each in _schema_file(invocation, node).get("models") or [] if each.get("name") == node.name]
    versions = [v for each in models for v in each.get("versions") or [] if str(v.get("v")) == str(getattr(node, "version", None))]
    return [*versions, *models]


def _schema_file(invocation: Invocation, node: Any) -> dict[str, Any]:
    """As dbt has read it; a manifest that came without its files is no reason to fail."""
    files = getattr(invocation.task.manifest, "files", {})
    if (file := files.get(node.patch_path)) is not None and (known := getattr(file, "dict_from_yaml", None)):
        return dict(known)
    from dbt.clients.yaml_helper import load_yaml_text

    with open(os.path.join(invocation.task.config.project_root, node.patch_path.partition("://")[2]), encoding="utf-8") as text:
        return load_yaml_text(text.read()) or {}
