"""A DuckDB project with built tables, and one `FalDbt` over it for all tests that do not close it."""

import subprocess
import sys

import duckdb
import pytest
from fal import FalDbt
from live.fixtures import make_project, stub

FILES = {
    "dbt_project.yml": (
        "name: shop\nversion: '1.0'\nprofile: shop\nmodel-paths: [models]\nvars: {discount: 5}\n"
        "on-run-start: ['create table started as select 1 as x']\n"
    ),
    "models/fal/written.sql": stub("ref('orders')"),
    "models/dim_v1.sql": "select 1 as v",
    "models/dim_v2.sql": "select 2 as v",
    "models/off.sql": "{{ config(enabled=false) }} select 1 as x",
    "macros/twice.sql": "{% macro twice(column) %}({{ column }} * 2){% endmacro %}",
    "models/more.yml": (
        "sources:\n  - {name: raw, schema: main, tables: [{name: people}, {name: log}]}\n"
        "models:\n"
        "  - {name: dim, latest_version: 2, versions: [{v: 1}, {v: 2}]}\n"
        "  - name: orders\n    config: {meta: {owner: sales, fal: {scripts: [tell.py]}}}\n"
        "    columns:\n      - {name: id, data_tests: [unique]}\n"
    ),
}
TABLES = (
    "create table orders as from (values (1, 10), (2, 20), (3, null)) t(id, amount)",
    "create table people as select 'Ada' as name",
    "create view dim_v1 as select 1 as v",
    "create view dim_v2 as select 2 as v",
)


def make(root):
    make_project(root, FILES)
    with duckdb.connect(str(root / "shop.duckdb")) as connection:
        for sql in TABLES:
            connection.execute(sql)
    return root


@pytest.fixture(scope="package")
def shop(tmp_path_factory):
    return make(tmp_path_factory.mktemp("fal_dbt") / "a shop")


@pytest.fixture(scope="package")
def fal(shop):
    with FalDbt(profiles_dir=shop, project_dir=shop, vars="{season: summer}") as opened:
        yield opened


@pytest.fixture
def new_shop(tmp_path):
    """Makes a separate project for one test."""
    return make(tmp_path / "shop")


@pytest.fixture
def elsewhere():
    """Runs SQL in another process, which needs the database for itself; returns what it printed."""

    def run(root, sql):
        program = (
            "import duckdb, sys; print(duckdb.connect(sys.argv[1]).execute(sys.argv[2]).fetchall())"
        )
        command = [sys.executable, "-c", program, str(root / "shop.duckdb"), sql]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return eval(done.stdout)

    return run
