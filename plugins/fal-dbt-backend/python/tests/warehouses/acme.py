"""A package as another team might publish it: a dbt adapter `acme`, which is DuckDB, and its
warehouse for fal.
"""

from __future__ import annotations

from pathlib import Path

ADAPTER = """
from dataclasses import dataclass

from dbt.adapters.base import AdapterPlugin
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.impl import DuckDBAdapter
from dbt.include import acme


@dataclass
class Credentials(DuckDBCredentials):
    @property
    def type(self):
        return "acme"


class Connections(DuckDBConnectionManager):
    TYPE = "acme"

    @classmethod
    def open(cls, connection):
        opened = super().open(connection)
        # Some of the base class's methods look it up there.
        DuckDBConnectionManager._ENV = cls._ENV
        return opened


class AcmeAdapter(DuckDBAdapter):
    ConnectionManager = Connections


Plugin = AdapterPlugin(
    adapter=AcmeAdapter, credentials=Credentials, include_path=acme.PATH, dependencies=["duckdb"]
)
"""
WAREHOUSE = '''
import os
from dataclasses import replace

from fal_worker.warehouse.column_rules import ColumnRules
from fal_worker.warehouse.generic.facts import generic_facts
from fal_worker.warehouse.interface import Dialect, Place

GENERAL = generic_facts(Dialect(transactions=True))


class Acme:
    """The general path, with a log of what is written."""

    column_rules = ColumnRules("Acme", longest=40)

    def __init__(self, adapter):
        self._inner = GENERAL.open(adapter)

    def read(self, sql, readable=None):
        return self._inner.read(sql)

    def begin_write(self, relation, reader, mode="overwrite", types=None, place=Place.MODEL):
        with open(os.environ["FAL_TEST_ACME_LOG"], "a") as log:
            log.write(f"{relation.identifier} {mode} {types}\\\\n")
        return self._inner.begin_write(relation, reader, mode, types, place)

    def cancel(self):
        self._inner.cancel()


FACTS = replace(GENERAL, open=Acme, has_structs=True)
NO_FACTS = 7


class Lacking:
    def __init__(self, adapter):
        pass

    def read(self, sql, readable=None):
        pass


def failing(adapter):
    raise RuntimeError("no licence")
'''.replace("\\\\n", "\\n")


def install(site: Path, entry: str, name: str = "acme-fal") -> None:
    """Installs the package in a folder of `sys.path`, with an entry point for the adapter `acme`."""
    for path, text in {
        "acme_fal.py": WAREHOUSE,
        "dbt/adapters/acme/__init__.py": ADAPTER,
        "dbt/adapters/acme/__version__.py": "version = '1.0.0'\n",
        "dbt/include/acme/__init__.py": "import os\nPATH = os.path.dirname(__file__)\n",
        "dbt/include/acme/dbt_project.yml": "config-version: 2\nname: dbt_acme\nversion: 1.0\nmacro-paths: [macros]\n",
        f"{name.replace('-', '_')}-1.2.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n",
        f"{name.replace('-', '_')}-1.2.dist-info/entry_points.txt": f"[fal_host.warehouses]\nacme = {entry}\nduckdb = {entry}\n",
    }.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
