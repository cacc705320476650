"""How a Python model is materialized: by its configuration, without the stub's
`materialized='ephemeral'`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.warehouse.registry import facts_of

if TYPE_CHECKING:
    from fal_worker.project.live import LiveProject
    from fal_worker.protocol import RunGraph

# These materializations are defined by a query, which a Python model does not have.
_QUERIES = ("materialized_view", "dynamic_table", "streaming_table", "table_function", "function")
# dbt's default for models without any configuration.
_VIEW = "view"
# Python models with these materializations become tables.
_TABLES = ("table", "ephemeral", _VIEW)
# Keys that a direct write honours too (`warehouse/finishing.py`), and those that say nothing of the
# table.
_HONOURED = (
    "indexes",
    "fal_environment",
    "python_version",
    "config_keys_used",
    "config_keys_defaults",
    "meta_keys_used",
    "meta_keys_defaults",
)


@dataclass(frozen=True)
class Materialized:
    """The materialization of one model, and whether it needs dbt's own macro."""

    name: str
    # Whether the model's own entry in a schema file asked for a view.
    wanted_view: bool = False
    # The options that a plain table would ignore.
    reasons: tuple[str, ...] = ()
    # Whether that is only how a new table is made.
    only_options: bool = False

    @property
    def by_dbt(self) -> bool:
        """Whether the rows are staged, and dbt's materialization makes the relation from them."""
        return bool(self.reasons)


def materialized(project: LiveProject, node: Any) -> Materialized:
    """The materialization of a model's node, a stub's or a dbt-native one's.

    Raises for a materialization that Python models cannot have.
    """
    name, own = node.config.materialized, None
    if node.unique_id in project.stubs:
        name, own = Names(project).of(node)
    if name in _QUERIES:
        raise SessionError(
            "model::materialized",
            f"{node.unique_id} is a Python model: its rows are in no query, so it cannot be materialized as {name}",
            "Materialize it as table or incremental.",
        )
    name = "table" if name in _TABLES else name
    if _strategy(node) == "microbatch" and name == "incremental":
        raise SessionError(
            "model::microbatch",
            f"{node.unique_id} is a Python model, and microbatch cuts SQL into batches: it cannot be its incremental_strategy",
            "Take append, merge or delete+insert, and let the code read the period that is missing: is_incremental(), execute_sql.",
        )
    reasons, options = _reasons(project, node, name), _options(project, node)
    return Materialized(name, own == _VIEW, (*reasons, *options), bool(options) and not reasons)


def _reasons(project: LiveProject, node: Any, name: str) -> list[str]:
    config = node.config
    found = {
        f"materialized: {name}": name != "table" or _is_users(project, name),
        "hooks": bool(config.pre_hook or config.post_hook),
        "a contract": bool(config.contract.enforced),
    }
    return [reason for reason, holds in found.items() if holds]


def _options(project: LiveProject, node: Any) -> list[str]:
    """What is not dbt's own, so the adapter's: how a table is stored, which the adapter's
    materialization knows.
    """
    if facts_of(project.adapter.type()).applies_config:
        return []  # honoured by the direct write as well
    extra = getattr(node.config, "_extra", None) or {}
    return [key for key, value in extra.items() if value is not None and key not in _HONOURED]


def _is_users(project: LiveProject, name: str) -> bool:
    """Whether a macro of the project replaces dbt's materialization."""
    from dbt.adapters.factory import get_adapter_package_names

    kind = project.adapter.type()
    macro = project.manifest.find_materialization_macro_by_name(
        project.config.project_name, name, kind
    )
    return macro is not None and macro.package_name not in get_adapter_package_names(kind)


def _strategy(node: Any) -> str | None:
    strategy = getattr(node.config, "incremental_strategy", None)
    return None if strategy is None else str(strategy)


class Names:
    """The materializations of stubs.

    One object for many of them, since it remembers what files say.
    """

    def __init__(self, project: LiveProject) -> None:
        self._config, self._manifest = project.config, project.manifest
        self._files: dict[str, dict[str, list[dict[str, Any]]]] = {}
        # Most projects say `table` or `view` for whole folders: then there is nothing to find out
        # for each model.
        self._all_tables = _said(self._config.models) <= set(_TABLES)

    def show(self, stubs: set[str], graph: RunGraph, relation_of: Callable[[Any], Any]) -> None:
        """Shows the stubs in the graph as what they become: for selection, reports and artifacts."""
        for shown in graph["nodes"]:
            if shown["unique_id"] in stubs:
                node = self._manifest.nodes[shown["unique_id"]]
                name, _ = self.of(node)
                shown["config"]["materialized"] = "table" if name in _TABLES else name
                shown["relation_name"] = str(relation_of(node))

    def of(self, node: Any) -> tuple[str, str | None]:
        """By dbt's own resolution: the projects' files, then the schema file.

        And what the schema file says.
        """
        own = self._in_schema_file(node)
        if own is None and self._all_tables:
            return "table", None
        from dbt.context.context_config import ContextConfigGenerator

        config = ContextConfigGenerator(self._config).calculate_node_config(
            config_call_dict={},
            fqn=node.fqn,
            resource_type=node.resource_type,
            project_name=node.package_name,
            base=False,
            patch_config_dict=None if own is None else {"materialized": own},
        )
        return str(config.materialized), own

    def _in_schema_file(self, node: Any) -> str | None:
        """What the model's entry says, that of its version first."""
        if not node.patch_path:
            return None
        for entry in self._entries(node):
            if (value := (entry.get("config") or {}).get("materialized")) is not None:
                return self._rendered(value, node.package_name)
        return None

    def _entries(self, node: Any) -> list[dict[str, Any]]:
        if node.patch_path not in self._files:
            by_name: dict[str, list[dict[str, Any]]] = {}
            for entry in self._schema_file(node.patch_path).get("models") or []:
                by_name.setdefault(entry.get("name"), []).append(entry)
            self._files[node.patch_path] = by_name
        models = self._files[node.patch_path].get(node.name, [])
        versions = [
            v
            for each in models
            for v in each.get("versions") or []
            if str(v.get("v")) == str(getattr(node, "version", None))
        ]
        return [*versions, *models]

    def _schema_file(self, path: str) -> dict[str, Any]:
        """As dbt has read it; a manifest that came without its files is no reason to fail."""
        file = getattr(self._manifest, "files", {}).get(path)
        if known := getattr(file, "dict_from_yaml", None):
            return dict(known)
        from dbt.clients.yaml_helper import load_yaml_text

        with open(
            os.path.join(self._config.project_root, path.partition("://")[2]), encoding="utf-8"
        ) as text:
            return load_yaml_text(text.read()) or {}

    def _rendered(self, value: Any, package: str) -> str:
        if "{" not in str(value):
            return str(value)
        from dbt.context.configured import generate_schema_yml_context
        from dbt.parser.schema_renderer import SchemaYamlRenderer

        renderer = SchemaYamlRenderer(generate_schema_yml_context(self._config, package), "models")
        return str(
            renderer.render_data({"config": {"materialized": value}})["config"]["materialized"]
        )


def _said(config: Any) -> set[str]:
    """Every materialization that a project's file names."""
    found = set()
    for key, value in config.items() if isinstance(config, dict) else ():
        if key in ("materialized", "+materialized") and not isinstance(value, dict):
            found.add(str(value))
        else:
            found |= _said(value)
    return found
