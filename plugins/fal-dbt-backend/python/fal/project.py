"""`FalDbt`: a dbt project outside of a run, for notebooks, scripts and shells of the user's own."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fal_worker.job.error import FalError
from fal_worker.job.objects import Record
from fal_worker.job.scope import Scope

from .client import Client
from .request import Settings

if TYPE_CHECKING:
    from typing_extensions import Self


class FalDbt:
    """A dbt project that can be read and written.

    ```py
    with FalDbt(profiles_dir="~/.dbt", project_dir="../shop") as fal:
        orders = fal.ref("orders")
        fal.write_to_model(scores, target_model_name="scores")
    ```

    dbt runs in a separate process, in this Python unless `python` names another. It ends with `close()`, with the `with`
    block, or with this interpreter. The project is read once: after a change of its files, `reload()`. A DuckDB file is
    held only while something is read or written, unless `keep_open=True`.
    """

    def __init__(
        self,
        profiles_dir: str | os.PathLike[str] | None = None,
        project_dir: str | os.PathLike[str] | None = None,
        target: str | None = None,
        threads: int | None = None,
        vars: dict[str, Any] | str | None = None,
        *,
        profile: str | None = None,
        state: str | os.PathLike[str] | None = None,
        defer: bool = False,
        keyword: str = "fal",
        python: str | os.PathLike[str] | None = None,
        keep_open: bool = False,
        default_model_name: str | None = None,
        arguments: dict[str, Any] | str | None = None,
        profile_target: str | None = None,
        args_vars: dict[str, Any] | str | None = None,
    ) -> None:
        """`default_model_name` is the model that `write_to_model` and `context` mean when none is
        named, `arguments` what `context.arguments` holds.

        Mappings may be text in JSON or YAML; `profile_target` and `args_vars` are older names of
        `target` and `vars`.
        """
        self._settings = Settings.of(
            profiles_dir, project_dir, target or profile_target, threads, vars if vars is not None else args_vars,
            profile=profile, state=state, defer=defer, keyword=keyword, python=python, keep_open=keep_open,
            arguments=arguments,
        )  # fmt: skip
        self.default_model_name = default_model_name
        self._lock = threading.RLock()
        self._client: Client | None = None
        self._closed = False
        self._open()
        if default_model_name is not None:
            try:
                self._model_id(default_model_name)
            except BaseException:
                self.close()
                raise
        _OPEN.add(self)

    # Reads.

    def ref(
        self,
        *args: str,
        version: Any = None,
        v: Any = None,
        as_: str = "pandas",
        columns: Any = None,
        where: Any = None,
        limit: Any = None,
    ) -> Any:
        """Reads a model, seed or snapshot: `ref("orders")`, `ref("package", "orders")`,
        `ref("orders", version=2)`.

        Or a part of it, which the warehouse selects: `columns` is a list of names, `where` a
        condition in SQL, with Jinja, `limit` a number of rows. `as_` is one of `pandas`, `polars`,
        `arrow` (a `pyarrow.Table`) and `reader` (a `pyarrow.RecordBatchReader`).
        """
        part = {"columns": columns, "where": where, "limit": limit}
        return self._read(lambda scope: scope.ref(*args, version=version, v=v, as_=as_, **part))

    def source(
        self,
        *args: str,
        as_: str = "pandas",
        columns: Any = None,
        where: Any = None,
        limit: Any = None,
    ) -> Any:
        """Reads a source: `source("raw", "payments")`. The keywords as for `ref`."""
        return self._read(
            lambda scope: scope.source(*args, as_=as_, columns=columns, where=where, limit=limit)
        )

    def execute_sql(self, sql: str, as_: str = "pandas") -> Any:
        """Runs SQL in the warehouse, with Jinja (refs, macros, vars), and reads its rows.

        `as_` as for `ref`.
        """
        return self._read(lambda scope: scope.execute_sql(sql, as_=as_))

    def _read(self, function: Callable[[Scope], Any]) -> Any:
        scope = self._scope
        try:
            return self._there.interruptible(lambda: function(scope))
        except FalError as error:
            raise error.with_traceback(None) from None  # ours is of no use to the reader

    # Writes.

    def write_to_source(
        self,
        data: Any,
        target_source_name: str,
        target_table_name: str,
        *,
        dtype: Any = None,
        mode: str = "append",
    ) -> None:
        """Writes rows to the table of a source: appends, or with `mode="overwrite"` replaces.

        `dtype` gives columns types, as in `pandas.DataFrame.to_sql`.
        """
        self._scope.write_to_source(
            data, target_source_name, target_table_name, dtype=dtype, mode=mode
        )

    def write_to_model(
        self,
        data: Any,
        target_1: str | None = None,
        target_2: str | None = None,
        *,
        target_model_name: str | None = None,
        target_package_name: str | None = None,
        dtype: Any = None,
        mode: str = "overwrite",
    ) -> None:
        """Writes the table of a model: `write_to_model(df, "orders")`, `write_to_model(df,
        "package", "orders")`, or by keywords; without a name that of `default_model_name`.

        Replaces what is there, or with `mode="append"` adds to it. `dtype` as for
        `write_to_source`.
        """
        package, name = (
            (target_1, target_2)
            if target_2 is not None
            else (target_package_name, target_model_name or target_1)
        )
        name = name or self.default_model_name
        if name is None:
            raise FalError(
                "fal: write_to_model needs the name of a model",
                "fal::no_model",
                "Give target_model_name=..., or default_model_name=... to FalDbt or %init_fal.",
            )
        self._there.scope(self._model_id(name, package)).write_to_model(
            data, dtype=dtype, mode=mode
        )

    def is_incremental(self, model_name: str | None = None) -> bool:
        """Whether a model is incremental and its table exists, as dbt's macro answers.

        Without a name, the model is `default_model_name`.
        """
        model = self._model_id(model_name) if model_name is not None else self._default_id()
        return self._there.scope(model).is_incremental()

    # What there is.

    def list_models(self) -> list[Any]:
        """All models: objects with `name`, `unique_id`, `status`, `columns`, `tests`, `meta`, ..."""
        return self._scope.list_models()

    def list_models_ids(self) -> Any:
        """The unique ids of all models, with their status in the last run."""
        return self._scope.list_models_ids()

    def list_sources(self) -> list[Any]:
        """All tables of sources: objects with `name`, `table_name`, `schema`, ..."""
        return self._scope.list_sources()

    def list_tests(self) -> list[Any]:
        """All tests: objects with `name`, `model_name`, `column`, `status`."""
        return self._scope.list_tests()

    def list_features(self) -> list[Any]:
        """Columns whose `meta` marks them as features of the feature store."""
        return self._scope.list_features()

    @property
    def models(self) -> list[Any]:
        """As `list_models()`."""
        return self.list_models()

    @property
    def sources(self) -> list[Any]:
        """As `list_sources()`."""
        return self.list_sources()

    @property
    def tests(self) -> list[Any]:
        """As `list_tests()`."""
        return self.list_tests()

    @property
    def features(self) -> list[Any]:
        """As `list_features()`."""
        return self.list_features()

    def context_of(self, model_name: str | None = None) -> Any:
        """`context` as a script of this model sees it: `current_model`, `config.target_path`,
        `target`, `vars`.
        """
        model = self._model_id(model_name) if model_name is not None else self._default_id()
        return self._there.scope(model).context

    @property
    def context(self) -> Any:
        """`context_of` the default model."""
        return self.context_of()

    @property
    def target(self) -> Any:
        """The target of the profile: `name`, `type`, `schema`, `database`, ..."""
        return self._scope.names()["target"]

    @property
    def this(self) -> Any:
        """The relation of the default model, as text for a query."""
        return self._scope.names()["this"]

    @property
    def target_path(self) -> str:
        """dbt's target folder."""
        return str(self._there.info["target_path"])

    @property
    def project_name(self) -> str:
        """Name of the project."""
        return str(self._there.info["project_name"])

    @property
    def info(self) -> Any:
        """Versions of dbt and its adapter, and the Python that runs them."""
        wanted = (
            "project_name",
            "target_name",
            "dbt_version",
            "adapter",
            "adapter_version",
            "python",
            "target_path",
        )
        return Record({name: self._there.info.get(name) for name in wanted})

    def var(self, name: str, *default: Any) -> Any:
        """A variable of the project, or of `vars`; the second argument is the default."""
        return self._scope.var(name, *default)

    def env_var(self, name: str, *default: Any) -> Any:
        """A variable of the environment; the second argument is the default."""
        return self._scope.env_var(name, *default)

    # Its life.

    def reload(self) -> None:
        """Reads the project's files again."""
        with self._lock:
            self._end()
            self._closed = False
            self._open()

    def close(self) -> None:
        """Ends dbt and releases the database. May be called twice."""
        with self._lock:
            self._closed = True
            self._end()
        _OPEN.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        """Ends dbt, so that a notebook cell that runs again leaves no process behind."""
        if getattr(self, "_client", None) is not None:
            self._end()

    def __repr__(self) -> str:
        state = " (closed)" if self._closed else ""
        return f"FalDbt(project_dir={self._settings.project_dir!r}){state}"

    def _open(self) -> None:
        self._client = Client(self._settings)

    def _end(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    @property
    def _there(self) -> Client:
        with self._lock:
            if self._closed:
                raise FalError(
                    "fal: this FalDbt is closed",
                    "fal::closed",
                    "Make another one, or call reload().",
                )
            if self._client is None or self._client.is_over:
                self._end()
                self._open()
            assert self._client is not None
            return self._client

    @property
    def _scope(self) -> Scope:
        return self._there.scope(self._default_id())

    def _default_id(self) -> str | None:
        return (
            self._model_id(self.default_model_name) if self.default_model_name is not None else None
        )

    def _model_id(self, name: str, package: str | None = None) -> str:
        return self._there.model_id(name, package)


_OPEN: weakref.WeakSet[FalDbt] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Closes all projects when the interpreter exits.

    Otherwise dbt would end a little later, when its channel closes.
    """
    for fal in list(_OPEN):
        with contextlib.suppress(Exception):
            fal.close()
