"""Skips two steps of dbt's start, a sixth of its time when no file has changed.

The JSON schemas of dbt's classes are cached between runs, and manifest.json, which the end of the
run writes anyway, is not written at the start.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

# What decides, besides the class's own file, what its schema is.
_PACKAGES = ("dbt-core", "dbt-common", "dbt-adapters", "mashumaro")


class SchemaCache:
    """A file of JSON schemas by class. dbt makes a schema itself if the file lacks it or cannot be
    read.
    """

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, "dbt-schemas.json")
        self._versions = [_version(package) for package in _PACKAGES]
        self._cached = self._read()
        self._new = False

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """While active, dbt's schemas come from this cache."""
        module: Any = sys.modules.get("dbt_common.dataclass_schema")
        make = getattr(module, "build_json_schema", None)
        if module is None or make is None:
            yield
            return
        module.build_json_schema = lambda cls, *a, **k: self._schema(make, cls, *a, **k)
        try:
            yield
        finally:
            module.build_json_schema = make

    def save(self) -> None:
        """Writes the file if it lacks a schema that was made. A failure to write is ignored."""
        if not self._new:
            return
        self._new = False
        folder = os.path.dirname(self._path)
        # A cloned project can hold a link in the place of this folder below `target`: nothing is
        # written through it.
        if os.path.islink(folder):
            return
        with contextlib.suppress(OSError):
            fd, path = tempfile.mkstemp(dir=folder, prefix=".dbt-schemas")
            with os.fdopen(fd, "w", encoding="utf-8") as file:
                json.dump({"versions": self._versions, "schemas": self._cached}, file)
            os.replace(path, self._path)

    def _schema(self, make: Callable[..., Any], cls: type, *args: Any, **kwargs: Any) -> Any:
        key = _key(cls)
        if args or kwargs or key is None:
            return make(cls, *args, **kwargs)
        if key not in self._cached:
            made = make(cls).to_dict()
            if json.loads(json.dumps(made, default=repr)) != made:
                return make(cls)
            self._cached[key], self._new = made, True
        return _Made(self._cached[key])

    def _read(self) -> dict[str, Any]:
        try:
            with open(self._path, encoding="utf-8") as file:
                content = json.load(file)
            return dict(content["schemas"]) if content["versions"] == self._versions else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}


class _Made:
    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema

    def to_dict(self) -> dict[str, Any]:
        return self._schema


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _key(cls: type) -> str | None:
    """The class and the state of its file: an adapter's code may change without a new version."""
    try:
        file = os.stat(sys.modules[cls.__module__].__file__ or "")
    except (KeyError, AttributeError, OSError):
        return None
    return f"{cls.__module__}.{cls.__qualname__} {file.st_mtime_ns} {file.st_size}"


class DeferredManifest:
    """Keeps dbt from writing manifest.json after parsing; `write` writes it where dbt will not."""

    def __init__(self) -> None:
        self._module: Any = import_module("dbt.parser.manifest")
        self._original: Any = getattr(self._module, "write_manifest", None)
        self._call: tuple[tuple[Any, ...], dict[str, Any]] | None = None

    def install(self) -> None:
        if self._original is not None:
            self._module.write_manifest = self._note

    def restore(self) -> None:
        if self._original is not None:
            self._module.write_manifest = self._original

    def write(self) -> None:
        call, self._call = self._call, None
        if call is None or self._original is None:
            return
        manifest, target, *rest = call[0]
        # The process may be ended while this writes, so only whole files get their names.
        with tempfile.TemporaryDirectory(dir=target, prefix=".manifest") as folder:
            self._original(manifest, folder, *rest, **call[1])
            for name in os.listdir(folder):
                os.replace(os.path.join(folder, name), os.path.join(target, name))

    def _note(self, *args: Any, **kwargs: Any) -> None:
        if len(args) < 2:
            self._original(*args, **kwargs)  # a dbt that calls it otherwise
        else:
            self._call = (args, kwargs)
