"""The project over manifest.json: its nodes, the target, the results so far, without dbt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

from fal_worker.engine import arguments
from fal_worker.project.graph import Files
from fal_worker.project.interface import Compiled, is_ephemeral, open_relation, table_of
from fal_worker.project.results import Outcomes, outcome
from fal_worker.protocol import NodeResult, OpenRequest

from . import options
from .adapter import Adapter
from .compiling import Compiler
from .defer import Deferred
from .dialects import dialect_of
from .nodes import Manifest
from .rendering import compiled, rendered
from .settings import Settings

if TYPE_CHECKING:
    from fal_worker.warehouse.interface import Finish

T = TypeVar("T")


class Project:
    """Implements `project.interface.Project`."""

    def __init__(
        self, request: OpenRequest, settings: Settings, manifest: Manifest, stub_paths: set[str]
    ) -> None:
        self.request, self.settings, self.manifest = request, settings, manifest
        self.adapter = Adapter(settings)
        packages = settings.project.get("packages-install-path") or "dbt_packages"
        self.files = Files(
            manifest.metadata.project_name or settings.project.get("name") or "", packages
        )
        self.stubs = {
            node.unique_id
            for node in manifest.nodes.values()
            if self.files.path(node) in stub_paths
        }
        self.selected: set[str] = set()
        # What the project's files say of stubs, by unique id.
        self.materialized: dict[str, dict[str, Any]] = {}
        # Whether dbt-native models run here, since dbt runs none.
        self.runs_native = False
        self.of_last_run = request["command"] == arguments.OF_LAST_RUN
        self.only_scripts = self.of_last_run
        # Compiles SQL with macros; `None` if dbt could not without running hooks of the project.
        self.compiler: Compiler | None = None
        self.cancelled = threading.Event()
        # Of this run, in dbt's form, by unique id.
        self.results: dict[str, NodeResult] = {}
        self.outcomes = Outcomes(
            self._outcomes,
            (lambda: f"{settings.target_path}/run_results.json") if self.of_last_run else None,
        )
        self.config = self._config()
        self._deferred = Deferred.of(self)

    @property
    def keyword(self) -> str:
        return self.request.get("keyword") or "fal"

    @property
    def show_limit(self) -> int | None:
        return self.request.get("show_limit")

    def within(self, function: Callable[..., T], *args: Any) -> T:
        """There is no context of dbt's to set."""
        return function(*args)

    def record(self, result: NodeResult, relation_name: str | None = None) -> None:
        """Keeps the result for scripts that ask. The supervisor writes run_results.json."""
        named = result if relation_name is None else {**result, "relation_name": relation_name}
        self.results[result["unique_id"]] = named

    def relation(self, reader: Any, target: Any) -> Any:
        """The table of a node, or the one that it is deferred to; `None` for ephemeral SQL."""
        if (own := open_relation(target.unique_id)) is not None:
            return own
        if is_ephemeral(self, target):
            return None
        here = table_of(self, target)
        return here if self._deferred is None else self._deferred.relation(target, here)

    def has_macro(self, name: str) -> bool:
        """None is known here."""
        return False

    def compile_sql(
        self, sql: str, of: Any = None, leased: frozenset[str] | None = None
    ) -> Compiled:
        root = self.config.project_name
        nobody = SimpleNamespace(unique_id="the project", package_name=root, alias=None)
        return compiled(self, sql, nobody if of is None else of, leased)

    def render(self, sql: str, node: Any, is_incremental: bool) -> str:
        """SQL of a node's configuration, such as a hook. Ephemeral models are not known in it."""
        return rendered(self, sql, node, is_incremental)

    @property
    def is_full_refresh(self) -> bool:
        """Whether the run replaces incremental models."""
        words = self.request.get("dbt_args") or []
        return bool(self.request.get("full_refresh")) or bool({"--full-refresh", "-f"} & set(words))

    def compile_stub(self, unique_id: str) -> None:
        """Nothing is compiled here."""

    def finishing(self, node: Any, relation: Any) -> Finish:
        """Finishes a table that a script writes by the statements of `options`."""
        dialect = dialect_of(self.adapter.type())
        return lambda handle, is_new: options.apply(handle, dialect, node, relation, is_new)

    def python_models(self) -> list[Any]:
        """The selected models whose tables are made here."""
        nodes = (self.manifest.nodes.get(unique_id) for unique_id in sorted(self.selected))
        return [
            node
            for node in nodes
            if node is not None
            and (node.unique_id in self.stubs or (node.language == "python" and self.runs_native))
        ]

    def compile_unit_test(self, unique_id: str, sql: str) -> str:
        """SQL of the model that a unit test tests, over its given rows."""
        from .unit_test_text import given_text

        return given_text(self, unique_id, sql)

    def _config(self) -> SimpleNamespace:
        settings = self.settings
        return SimpleNamespace(
            project_name=self.manifest.metadata.project_name or settings.project.get("name"),
            credentials=settings.credentials,
            project_target_path=settings.target_path,
            project_root=settings.project_root,
            target_name=settings.target_name,
            profile_name=settings.profile_name,
            threads=settings.threads,
            vars=SimpleNamespace(vars_for=lambda node, kind: settings.vars_of(node.package_name)),
            cli_vars=settings.vars,
        )

    def _outcomes(self) -> dict[str, dict[str, Any]]:
        ran = list(self.results.items())
        return {uid: outcome(r["status"], r.get("adapter_response")) for uid, r in ran}
