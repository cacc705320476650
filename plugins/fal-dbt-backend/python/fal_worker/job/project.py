"""`FalDbt` inside a run: the object of old scripts, over the names that are in scope anyway."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .error import FalError
from .scope import Scope

if TYPE_CHECKING:
    from typing_extensions import Self


def bound(scope: Scope) -> type:
    """The class `FalDbt` for the user's code of this job."""
    return type(
        "FalDbt", (FalDbt,), {"_scope": scope, "__module__": "fal", "__doc__": FalDbt.__doc__}
    )


class FalDbt:
    """The project of this run.

    Target, vars and all else are those of the run, whatever the arguments say; of another project a
    run knows nothing. Outside of runs the package `fal` has a class of this name that opens any
    project.
    """

    _scope: Scope

    def __init__(
        self, profiles_dir: Any = None, project_dir: Any = None, *_: Any, **options: Any
    ) -> None:
        run = self._scope.request
        folders = [
            os.path.abspath(os.path.expanduser(os.fspath(f)))
            for f in (project_dir, profiles_dir)
            if f
        ]
        projects = [
            folder for folder in folders if os.path.isfile(os.path.join(folder, "dbt_project.yml"))
        ]
        here = os.path.realpath(run.project_dir)
        if projects and here not in map(os.path.realpath, projects):
            raise FalError(
                f"fal: {projects[0]} is not the project of this run, {run.project_dir}",
                "worker::other_project",
            )
        self.project_dir = run.project_dir
        self.profiles_dir = profiles_dir
        self.keyword = run.keyword
        self.scripts_dir = run.scripts_dir
        self.default_model_name: str | None = options.get("default_model_name")

    def __getattr__(self, name: str) -> Any:
        """Everything that user code has in scope."""
        known = {} if name.startswith("__") else self._scope.names()
        if name not in known:
            raise AttributeError(
                f"FalDbt has no {name!r} in a run of fal-host; it has what scripts have in scope"
            )
        return known[name]

    def write_to_model(
        self,
        data: Any,
        target_1: str | None = None,
        target_2: str | None = None,
        *,
        target_model_name: str | None = None,
        target_package_name: str | None = None,
        dtype: Any = None,
        mode: str | None = None,
    ) -> None:
        """Writes the table of a model: `write_to_model(df, "orders")`, `write_to_model(df,
        "package", "orders")`, or by keywords; without a name that of the script's own.
        """
        given = (target_1, target_2, target_package_name, target_model_name)
        names = tuple(name for name in given if name is not None)
        if not names and self.default_model_name is not None:
            names = (self.default_model_name,)
        self._scope.writes.model(data, dtype, mode, names)

    @property
    def project_name(self) -> str:
        """Name of the project."""
        return str(self._scope.context["project"]["name"])

    @property
    def target_path(self) -> str:
        """dbt's target folder."""
        return str(self._scope.context["config"]["target_path"])

    @property
    def threads(self) -> int:
        """Threads of the target."""
        return int(self._scope.context["target"]["threads"])

    @property
    def models(self) -> list[Any]:
        """As `list_models()`."""
        return self._scope.list_models()

    @property
    def sources(self) -> list[Any]:
        """As `list_sources()`."""
        return self._scope.list_sources()

    @property
    def tests(self) -> list[Any]:
        """As `list_tests()`."""
        return self._scope.list_tests()

    @property
    def features(self) -> list[Any]:
        """As `list_features()`."""
        return self._scope.list_features()

    def close(self) -> None:
        """There is nothing to close: the run goes on."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def __repr__(self) -> str:
        return f"FalDbt(project_dir={self.project_dir!r})"
