"""What a dbt-native model gets as `dbt` in a unit test: dbt's own object would know the warehouse's relations only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .job import UnitTest


class Dbt:
    """`dbt.ref`, `dbt.source`, `dbt.this`, `dbt.is_incremental` and `dbt.config` over the given rows."""

    def __init__(self, test: UnitTest, told: dict[str, Any], load: Callable[[str], Any]) -> None:
        self._test, self._load = test, load
        self.this = This(told["this"])
        self.is_incremental = bool(told.get("is_incremental"))
        self.config = Config(told.get("config") or {})

    def ref(self, *args: str, v: Any = None, version: Any = None) -> Any:
        """The rows that stand for a model, seed or snapshot."""
        return self._load(
            self._test.find("ref", list(args), v if v is not None else version)["relation"]
        )

    def source(self, *args: str) -> Any:
        """The rows that stand for a source."""
        return self._load(self._test.find("source", list(args))["relation"])


class This:
    """The relation of the model; SQL that names it reads the rows of the input `this`."""

    def __init__(self, relation: str) -> None:
        parts = [part.strip('"`[]') for part in relation.split(".")]
        self.database, self.schema, self.identifier = ([None, None, *parts])[-3:]
        self._relation = relation

    def __str__(self) -> str:
        return self._relation

    __repr__ = __str__


class Config:
    """The model's configuration. Called within the model it says nothing new: dbt has read that when it parsed."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config

    def __call__(self, **_: Any) -> None:
        """What the model configures."""

    def get(self, key: str, default: Any = None) -> Any:
        """An entry of the configuration, else of its `meta`."""
        found = self._config.get(key)
        return self.meta_get(key, default) if found is None else found

    def meta_get(self, key: str, default: Any = None) -> Any:
        """An entry of `meta`."""
        return (self._config.get("meta") or {}).get(key, default)
