"""Fixtures that run model scripts as real jobs at the gateway of a real session over DuckDB."""

import textwrap
from types import SimpleNamespace

import pytest

pytest.importorskip("dbt.adapters.duckdb")

from live.client import Client
from live.fixtures import ORDERS as SEED_AND_ORDERS
from live.fixtures import begun, make_project, stub
from stand_ins.fixtures import numbers, sockets, zygote  # noqa: F401
from stand_ins.supervisor import job_request

SCHEMA = """
models:
  - name: orders
    description: All orders.
    meta: {owner: ann, fal: {scripts: {after: [tell.py]}, feature_store: {entity_column: id, timestamp_column: at}}}
    columns:
      - name: id
        description: The order.
        data_tests: [not_null, unique]
      - {name: at}
      - {name: amount, description: What was paid.}
  - name: dim
    latest_version: 1
    versions: [{v: 1}, {v: 2}]
sources:
  - name: files
    schema: main
    tables: [{name: people, identifier: raw_orders}]
  - name: out
    schema: written
    meta: {keep: "yes", fal: {x: 1}}
    tables:
      - name: log
        columns: [{name: n, data_tests: [not_null]}]
      - name: other
  - name: ext
    meta: {external_location: "people.csv"}
    tables: [{name: people}]
"""
FILES = {
    "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\nmodel-paths: [models]\nvars: {colour: red, shop: {size: 3}}\n"
    "on-run-start: ['create table started as select 1 as x']\non-run-end: ['create table ended as select 1 as x']\n",
    "models/schema.yml": SCHEMA,
    "people.csv": "id,name\n1,ann\n",
    "models/late.sql": "select 1 as x",
    "models/elsewhere.sql": "{{ config(schema='other', alias='renamed') }} select 7 as x",
    "models/dim_v1.sql": "select 1 as v",
    "models/dim_v2.sql": "select 2 as v",
    "macros/twice.sql": "{% macro twice(x) %}({{ x }} * 2){% endmacro %}",
    "models/fal/scores.sql": stub("ref('orders')"),
    "target/sources.json": '{"results": [{"unique_id": "source.shop.out.log", "status": "warn", "max_loaded_at_time_ago_in_s": 7.5}]}',
}
ORDERS, SCORES = "model.shop.orders", "model.shop.scores"


class ScriptClient(Client):
    """Runs scripts and models as real jobs."""

    def __init__(self, session, zygote, numbers):
        super().__init__(session)
        self._zygote, self._numbers = zygote, numbers
        self.project = session.project

    def script(self, code, role="after", model=ORDERS, path="fal_scripts/s.py", **rest):
        """Runs a script to its end; returns how it ended, and its result."""
        unique_id = f"script.{role}.{path}"
        return self._run(code, unique_id, {"role": role, "model": model}, path, "attached", rest)

    def model(self, code, unique_id=SCORES, **rest):
        """Runs code as a Python model."""
        return self._run(code, unique_id, {}, "models/m.py", "script", rest)

    def _run(self, code, unique_id, place, path, kind, rest):
        name, code = f"a{next(self._numbers)}", textwrap.dedent(code)
        token = "token-" + name
        self.session.ask("job_open", job=name, token=token, unique_id=unique_id, **place)
        file = self.project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code)
        gateway = {"location": self.session.location, "token": token}
        scripts = {"keyword": "fal", "scripts_dir": str(self.project / "fal_scripts")}
        request = job_request(self.project, path, code, kind=kind, unique_id=unique_id, **gateway)
        request |= {"name": unique_id, **scripts, **place, **rest}
        ended = self._zygote.start(name, request).end()
        job = SimpleNamespace(id=name, unique_id=unique_id)
        return ended, self.close(job, ended.ok)

    def said(self, code, **rest):
        """Runs a script that must succeed; returns what it printed."""
        ended, _ = self.script(code, **rest)
        assert ended.ok, ended.answer
        return ended.stdout

    def query(self, sql):
        """Returns the rows of a query, which a script runs."""
        code = f"print(execute_sql({sql!r}, as_='arrow').to_pylist())"
        return eval(self.said(code, role="global", model=None))


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("attached") / "project", FILES)


@pytest.fixture(scope="session")
def client(root, zygote, numbers):
    ran = (*SEED_AND_ORDERS, "model.shop.elsewhere", "model.shop.dim.v1", "model.shop.dim.v2")
    scripts = ["script.orders.AFTER.s.py"]
    with begun(root, "models/fal/scores.sql", ran=ran, scripts=scripts) as session:
        yield ScriptClient(session, zygote, numbers)
