"""manifest.json with the names that the session's parts use of dbt's own manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fal_worker.project.graph import COLLECTIONS


class Fields(dict[str, Any]):
    """A part of the file: a mapping whose keys are attributes too. What is not there is `None`."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _wrapped(self.get(name))

    def to_dict(self) -> dict[str, Any]:
        return dict(self)


class Node(Fields):
    """A node of any kind."""

    # For the gateway: nothing of it is compiled here.
    compiled = True

    @property
    def is_ephemeral_model(self) -> bool:
        return (
            self.get("resource_type") == "model" and self.config.get("materialized") == "ephemeral"
        )

    @property
    def columns(self) -> dict[str, Fields]:
        return {name: Fields(column) for name, column in (self.get("columns") or {}).items()}

    @property
    def config(self) -> Fields:
        return Fields(self.get("config") or {})

    @property
    def depends_on(self) -> Any:
        its = self.get("depends_on") or {}
        return Fields({"nodes": its.get("nodes") or [], "macros": its.get("macros") or []})

    @property
    def tags(self) -> list[str]:
        tags = self.get("tags") or []
        return [tags] if isinstance(tags, str) else list(tags)

    @property
    def fqn(self) -> list[str]:
        return [str(part) for part in self.get("fqn") or []]


class Disabled:
    """Found, but switched off. Named as dbt's."""

    def __init__(self, target: Node) -> None:
        self.target = target


class Manifest:
    """The nodes by unique id, and dbt's rules for finding one."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.metadata = Fields(content.get("metadata") or {})
        self.selectors = content.get("selectors") or {}
        for name in COLLECTIONS:
            setattr(
                self, name, {uid: Node(node) for uid, node in (content.get(name) or {}).items()}
            )
        root = self.metadata.get("project_name")
        for node in self.nodes.values():
            node["in_root_project"] = node.get("package_name") == root
        self.disabled = {
            uid: [Node(node) for node in nodes]
            for uid, nodes in (content.get("disabled") or {}).items()
        }
        self._off = [node for nodes in self.disabled.values() for node in nodes]

    nodes: dict[str, Node]
    sources: dict[str, Node]
    unit_tests: dict[str, Node]

    @classmethod
    def read(cls, path: str) -> Manifest:
        with open(path, encoding="utf-8") as file:
            return cls(json.load(file))

    def expect(self, unique_id: str) -> Node:
        return self.nodes[unique_id] if unique_id in self.nodes else self.unit_tests[unique_id]

    def resolve_ref(
        self, reader: Any, name: str, package: str | None, version: Any, root: str, own: str
    ) -> Any:
        """As `ref` does: in the package that is named, else in the reader's own, the root's, any."""
        packages: list[str | None] = [package] if package else [own, root, None]

        def fits(node: Node) -> bool:
            if node.resource_type not in ("model", "seed", "snapshot") or node.name != name:
                return False
            if version is not None:
                return str(node.version) == str(version)
            return node.version is None or str(node.version) == str(node.latest_version)

        return self._first(self.nodes.values(), packages, fits)

    def resolve_source(self, source: str, table: str, root: str, own: str) -> Any:
        def fits(node: Node) -> bool:
            return bool(node.source_name == source and node.name == table)

        return self._first(self.sources.values(), [own, root, None], fits)

    def _first(self, nodes: Iterable[Node], packages: list[str | None], fits: Any) -> Any:
        for among, make in ((nodes, lambda node: node), (self._off, Disabled)):
            found = [node for node in among if fits(node)]
            for package in packages:
                for node in found:
                    if package is None or node.package_name == package:
                        return make(node)
        return None


def _wrapped(value: Any) -> Any:
    return Fields(value) if isinstance(value, dict) else value
