"""Says what SQL of a leased job may read.

Anyone with the job's token chooses the text, so it is checked before it runs: by DuckDB's parser or
by PostgreSQL's. Other warehouses have no check, so there only statements that the gateway itself
writes may run.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError

from .interface import is_ephemeral, table_of

if TYPE_CHECKING:
    from .interface import Project

Name = tuple[str, str, str]

_FOLD = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_PART = re.compile(r'"((?:[^"]|"")*)"|([^."]+)')
_KINDS = ("model", "seed", "snapshot")


def folded(name: str) -> str:
    """Folds a name like a warehouse that ignores case: ASCII letters only."""
    return name.translate(_FOLD)


def refused(why: str) -> SessionError:
    """The error for a statement that a leased job may not run."""
    return SessionError(
        "gateway::leased",
        f"this SQL may not run for a model on a runner: {why}",
        "A model on a runner reads relations of the project by one SELECT, without functions that reach files, settings or the network. "
        "Read it in a model that runs on this machine, or in an SQL model.",
    )


class Relations:
    """The relations of a project, by their names in the warehouse."""

    def __init__(self, project: Project, folds: bool) -> None:
        self._project = project
        # Whether the warehouse compares names without the case of ASCII letters.
        self.folds = folds
        self._database = str(project.config.credentials.database)
        self._known: dict[Name, list[str]] | None = None
        self._external: list[tuple[str, str]] | None = None

    def named(self, name: Name) -> list[str]:
        """The unique ids of the nodes with this relation, here or in the state that is deferred to."""
        if self._known is None:
            self._known = self._names()
        return self._known.get(self._key(name), [])

    def is_same(self, name: Name, own: tuple[str, str] | None) -> bool:
        """Whether it is the table with this schema and name in the profile's database."""
        return own is not None and self._key(name) == self._key((self._database, *own))

    def is_text_of(self, text: str, name: Name) -> bool:
        """Whether a relation's text names this relation."""
        return self._key(self._whole(_parsed(text))) == self._key(name)

    def external(self) -> list[tuple[str, str]]:
        """Sources that are no tables: their unique ids, and their text in SQL."""
        if self._external is None:
            sources = [
                source
                for source in self._project.manifest.sources.values()
                if "external_location" in _meta(source)
            ]
            found = (
                (source.unique_id, getattr(table_of(self._project, source), "external", None))
                for source in sources
            )
            self._external = [(unique_id, str(text)) for unique_id, text in found if text]
        return self._external

    def texts(self) -> dict[str, str]:
        """Unique ids by the relation's text."""
        return {str(table_of(self._project, node)): node.unique_id for node in self._nodes()}

    def _nodes(self) -> list[Any]:
        manifest = self._project.manifest
        nodes = [
            node
            for node in manifest.nodes.values()
            if node.resource_type in _KINDS and not is_ephemeral(self._project, node)
        ]
        return [*nodes, *manifest.sources.values()]

    def _names(self) -> dict[Name, list[str]]:
        known: dict[Name, list[str]] = {}
        for node in self._nodes():
            deferred = getattr(getattr(node, "defer_relation", None), "relation_name", None)
            names = [self._name(node), *([_parsed(deferred)] if deferred else [])]
            for name in names:
                known.setdefault(self._key(self._whole(name)), []).append(node.unique_id)
        return known

    def _name(self, node: Any) -> list[str]:
        if self.folds:
            # dbt-duckdb loads some sources when it is asked for their relation.
            identifier = node.identifier if node.resource_type == "source" else node.alias
            return [part for part in (node.database, node.schema, identifier) if part]
        return _parsed(str(table_of(self._project, node)))

    def _whole(self, parts: list[str]) -> Name:
        database, schema, name = ([self._database] * (3 - len(parts)) + parts)[-3:]
        return database, schema, name

    def _key(self, name: Name) -> Name:
        name = (name[0] or self._database, name[1], name[2])
        return (folded(name[0]), folded(name[1]), folded(name[2])) if self.folds else name


class Readable:
    """What one job may read of them.

    `check` raises where it must not, since it was not declared; `own` are schema and name of the
    table that its open write makes; `sent` are the relations to which macros of the project send
    its declared reads.
    """

    def __init__(
        self,
        relations: Relations,
        check: Callable[[str], None],
        own: tuple[str, str] | None = None,
        sent: tuple[str, ...] = (),
    ) -> None:
        self._relations, self._check, self._own, self._sent = relations, check, own, sent

    def allows(self, name: Name) -> bool:
        """Whether the relation is one of the project's; an error if the job did not declare it and
        this run makes it.

        Without a database it is in that of the profile.
        """
        if self._relations.is_same(name, self._own) or any(
            self._relations.is_text_of(text, name) for text in self._sent
        ):
            return True
        return self._one_of(self._relations.named(name))

    def is_external(self, is_it: Callable[[str], bool]) -> bool:
        """Whether it is a source of the project that is read from files."""
        return self._one_of(
            [unique_id for unique_id, text in self._relations.external() if is_it(text)]
        )

    def allows_text(self, text: str) -> bool:
        """Whether a text is that of a relation of the project."""
        if text in self._sent:
            return True
        unique_id = self._relations.texts().get(text)
        return unique_id is not None and self._one_of([unique_id])

    def unknown(self, name: str) -> SessionError:
        return refused(f"`{name}` is no relation of the project")

    def _one_of(self, unique_ids: list[str]) -> bool:
        problem: SessionError | None = None
        for unique_id in unique_ids:
            try:
                self._check(unique_id)
            except SessionError as error:
                problem = error
            else:
                return True
        if problem is not None:
            raise problem
        return False


def _parsed(text: str) -> list[str]:
    """The parts of a relation's text, as PostgreSQL takes them."""
    return [
        quoted.replace('""', '"') if plain == "" else plain.lower()
        for quoted, plain in _PART.findall(text)
    ]


def _meta(source: Any) -> dict[str, Any]:
    """As dbt-duckdb collects it; empty for what a plugin of dbt-duckdb loads, which is a table."""
    config = getattr(source, "config", None)
    found = {**(getattr(source, "meta", None) or {}), **(getattr(config, "extra", None) or {})}
    return {} if "plugin" in found else found
