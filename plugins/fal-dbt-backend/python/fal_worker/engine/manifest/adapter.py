"""What the gateway's native paths use of dbt's adapter, made from the profile."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from fal_worker.errors import SessionError

from .duckdb_file import DuckDBFile
from .relations import Relation, Relations
from .settings import Settings

# Those with a native path that needs no connection of dbt's.
_KNOWN = ("duckdb", "postgres")


class Adapter:
    """Knows the profile; has no cache of relations, since dbt reads the warehouse anew in every call."""

    def __init__(self, settings: Settings) -> None:
        credentials = settings.credentials
        self.Relation = Relations(settings)
        self.config = SimpleNamespace(credentials=credentials)
        self._file: DuckDBFile | None = None
        self._connector: Any = None
        self.connections = SimpleNamespace(env=self._env)

    def type(self) -> str:
        return str(self.config.credentials.type)

    def check(self) -> None:
        """Whether Python models can read and write here."""
        if self.type() not in _KNOWN:
            raise SessionError(
                "engine::unsupported",
                f"Where dbt runs as a program, Python models work on {' and '.join(_KNOWN)}; the profile's type is {self.type()}",
                "Use dbt-core 1.8 to 1.12 with the warehouse's adapter in the Python of --python.",
            )

    def verify_database(self, database: str) -> None:
        own = self.config.credentials.database
        if str(database).lower() != str(own).lower():
            raise SessionError(
                "gateway::database",
                f"Cross-db references not allowed in {self.type()} ({database} vs {own})",
            )

    def release(self) -> None:
        """The database is free for another process."""
        if self._file is not None:
            self._file.close()

    @contextlib.contextmanager
    def given_up(self) -> Iterator[None]:
        """While active, another process can open the database, and no job reads or writes."""
        with self._env().given_up() if self.type() == "duckdb" else contextlib.nullcontext():
            yield

    @contextlib.contextmanager
    def opened(self) -> Iterator[Any]:
        """A connection that only this caller uses; what it did is committed at the end."""
        handle = self._opened()
        try:
            yield handle
            handle.commit()
        finally:
            handle.close()

    def _opened(self) -> Any:
        if self.type() == "duckdb":
            return self._env().handle()
        from fal_worker.warehouse.postgres.connection import Connector, Handle

        if self._connector is None:
            self._connector = Connector(self.config.credentials)
        return Handle(self._connector.connect(lambda _: None))

    def quote(self, name: str) -> str:
        return f'"{name}"'

    def execute_macro(self, name: str, kwargs: dict[str, Any]) -> str:
        """The one that reads need."""
        if name != "get_limit_subquery_sql":
            raise SessionError(
                "engine::unsupported",
                f"The macro {name} needs dbt-core 1.8 to 1.12 in the Python of --python",
            )
        return f"select * from (\n{kwargs['sql']}\n) as fal_limited limit {int(kwargs['limit'])}"

    @contextlib.contextmanager
    def connection_named(self, name: str) -> Iterator[None]:
        yield

    def get_relation(self, *_: Any) -> None:
        return None

    def cache_added(self, relation: Relation) -> None:
        """dbt will see it."""

    def cache_dropped(self, relation: Relation) -> None:
        """dbt will see it."""

    def _env(self) -> DuckDBFile:
        if self._file is None:
            self._file = DuckDBFile(self.config.credentials)
        return self._file
