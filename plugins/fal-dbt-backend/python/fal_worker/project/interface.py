"""What the gateway, warehouses, materializations and unit tests may ask of a dbt project.

Two classes answer: `project.live.LiveProject` over dbt's own objects, and
`engine.manifest.project.Project` over manifest.json, where dbt runs as a program. Only these two
know which of them is there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from fal_worker.protocol import NodeResult, OpenRequest

    from .results import Outcomes

T = TypeVar("T")


@dataclass(frozen=True)
class Compiled:
    """SQL ready for the warehouse, and the nodes that it reads."""

    sql: str
    reads: tuple[str, ...]
    # Whether it begins with the SQL of ephemeral models.
    has_ctes: bool = False


class Project(Protocol):
    """One run of one project.

    Nodes, the manifest, the configuration and the adapter have the names of dbt's own.
    """

    # The `OpenRequest` of the plugin interface.
    request: OpenRequest
    # Unique ids of the nodes that are stubs of Python models.
    stubs: set[str]
    # Unique ids of what runs.
    selected: set[str]
    cancelled: threading.Event
    outcomes: Outcomes

    @property
    def manifest(self) -> Any: ...

    @property
    def config(self) -> Any: ...

    @property
    def adapter(self) -> Any: ...

    @property
    def keyword(self) -> str:
        """The key of `meta` below which fal-host's own configuration is."""
        ...

    @property
    def show_limit(self) -> int | None:
        """Number of rows that `show` wants of each model, which then writes nothing; a negative
        number means all. `None` for all other commands.
        """
        ...

    def within(self, function: Callable[..., T], *args: Any) -> T:
        """Calls a function on this thread with what dbt needs around it.

        All methods below need that.
        """
        ...

    def record(self, result: NodeResult, relation_name: str | None = None) -> None:
        """Puts a `NodeResult` among dbt's results, in the place of an earlier one of the same node."""
        ...

    def relation(self, reader: Any, target: Any) -> Any:
        """The relation of a node as `ref` or `source` gives it in the SQL of `reader`; `None` for
        ephemeral SQL.
        """
        ...

    def has_macro(self, name: str) -> bool:
        """Whether a macro of this name takes the place of dbt's own function."""
        ...

    def compile_sql(
        self, sql: str, of: Any = None, leased: frozenset[str] | None = None
    ) -> Compiled:
        """Compiles SQL that belongs to no node as dbt compiles a model.

        `this` is the relation of the node `of`. `leased` are the environment variables that the SQL
        of a leased job may read.
        """
        ...

    def compile_unit_test(self, unique_id: str, sql: str) -> str:
        """Compiles SQL of the model that a unit test tests, over its given rows (`given_name`)."""
        ...

    def compile_stub(self, unique_id: str) -> None:
        """Compiles the stub of a model that ran, since dbt's artifacts have that of an ephemeral
        model.
        """
        ...

    def finishing(self, node: Any, relation: Any) -> Callable[[Any, bool], None] | None:
        """Returns what makes the indexes, grants and comments of a node on its new table; `None` if
        dbt's own macros do.
        """
        ...


def given_name(number: int) -> str:
    """The name in DuckDB of a given input of a unit test."""
    return f"fal_given_{number}"


def is_ephemeral(project: Project, node: Any) -> bool:
    """Whether a node has no relation.

    To dbt a stub is ephemeral too, but its Python model makes a table.
    """
    return bool(getattr(node, "is_ephemeral_model", False)) and node.unique_id not in project.stubs


def table_of(project: Project, node: Any) -> Any:
    """The relation of a node's own table, also of a stub's."""
    return project.adapter.Relation.create_from(project.config, node)


class OpenWrite(Protocol):
    """A job's write to its own model that has not ended."""

    unique_id: str

    @property
    def relation(self) -> Any:
        """What holds the rows just written."""
        ...


# The write that is open while a job reads, if there is one: references to its model mean the rows
# just written.
OPEN_WRITE: ContextVar[Any] = ContextVar("fal_open_write", default=None)


def open_relation(unique_id: str) -> Any:
    """What to read for this model if its own write is open; else `None`."""
    own: OpenWrite | None = OPEN_WRITE.get()
    return own.relation if own is not None and own.unique_id == unique_id else None
