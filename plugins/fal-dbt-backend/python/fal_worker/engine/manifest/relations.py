"""Names of tables, with what the gateway uses of the relations of dbt's adapters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from .settings import Settings

_PARTS = ("database", "schema", "identifier")


@dataclass(frozen=True)
class Relation:
    """A relation in a database."""

    database: str | None
    schema: str | None
    identifier: str | None
    quoted: tuple[str, ...] = _PARTS
    included: tuple[str, ...] = _PARTS
    type: str | None = None

    def __str__(self) -> str:
        parts = [(part, getattr(self, part)) for part in _PARTS if part in self.included]
        return ".".join(
            _quoted(text) if part in self.quoted else text
            for part, text in parts
            if text is not None
        )

    @property
    def name(self) -> str | None:
        return self.identifier

    @property
    def quote_policy(self) -> SimpleNamespace:
        return SimpleNamespace(**{part: part in self.quoted for part in _PARTS})

    def render(self) -> str:
        return str(self)

    def without_identifier(self) -> Relation:
        return self.include(identifier=False)

    def include(self, **parts: bool) -> Relation:
        return replace(
            self, included=tuple(part for part in self.included if parts.get(part, True))
        )

    def incorporate(
        self, type: str | None = None, path: dict[str, str] | None = None, **_: Any
    ) -> Relation:
        changes: dict[str, Any] = {**(path or {}), "type": type}
        return replace(self, **changes)


class Relations:
    """Stands for an adapter's class `Relation`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def create_from(self, config: Any, node: Any) -> Relation:
        """The table of a node, also of a stub."""
        identifier = node.identifier if node.resource_type == "source" else node.alias
        own = node.quoting or {}
        quoted = tuple(part for part in _PARTS if _told(own.get(part), self._settings.quoted(part)))
        return Relation(node.database, node.schema, identifier, quoted)


def _told(own: Any, default: bool) -> bool:
    return default if own is None else bool(own)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
