"""Stand-ins for what the gateway imports from the clouds' client libraries, where these are
missing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any


class NotSupportedError(Exception):
    """Imitates the class in `snowflake.connector.errors`."""


class Forbidden(Exception):
    """Imitates the class in `google.api_core.exceptions`."""


class SchemaField:
    """Imitates `google.cloud.bigquery.SchemaField`."""

    def __init__(
        self,
        name: str,
        field_type: str,
        mode: str = "NULLABLE",
        *,
        fields: Any = (),
        precision: Any = None,
        scale: Any = None,
    ) -> None:
        self.name, self.field_type, self.mode = name, field_type, mode
        self.fields, self.precision, self.scale = tuple(fields), precision, scale


class LoadJobConfig(SimpleNamespace):
    """Imitates `google.cloud.bigquery.LoadJobConfig`."""


class ParquetOptions:
    """Imitates `google.cloud.bigquery.format_options.ParquetOptions`."""

    enable_list_inference = False


def _module(name: str, **content: Any) -> None:
    """Adds a module, and keeps existing ones: an installed `google` may lack only some parts."""
    parent, _, last = name.rpartition(".")
    if parent:
        _module(parent)
    try:
        module = import_module(name)
    except ImportError:
        module = sys.modules[name] = ModuleType(name)
        module.__path__ = []
        if parent:
            setattr(sys.modules[parent], last, module)
    for key, value in content.items():
        setattr(module, key, value)


def installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ModuleNotFoundError, ValueError):
        return False


def stand_in() -> None:
    """Installs stand-ins for the libraries that are missing."""
    if not installed("snowflake.connector"):
        _module("snowflake.connector.errors", NotSupportedError=NotSupportedError)
    if not installed("google.cloud.bigquery"):
        _module("google.api_core.exceptions", Forbidden=Forbidden)
        dispositions = SimpleNamespace(WRITE_APPEND="WRITE_APPEND", CREATE_NEVER="CREATE_NEVER")
        _module(
            "google.cloud.bigquery", SchemaField=SchemaField, LoadJobConfig=LoadJobConfig, WriteDisposition=dispositions,
            CreateDisposition=dispositions, SourceFormat=SimpleNamespace(PARQUET="PARQUET"),
            format_options=SimpleNamespace(ParquetOptions=ParquetOptions),
        )  # fmt: skip
