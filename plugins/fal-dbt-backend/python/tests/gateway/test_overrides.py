"""A project's own macros `ref` and `source` apply to the reads of jobs."""

from __future__ import annotations

import pyarrow as pa
import pytest
from live.fixtures import make_project, sessions, stub
from live.job_client import GatewayError, JobClient

MACROS = """
{% macro ref(model_name, version=none) %}
  {% set found = builtins.ref(model_name, version=version) %}
  {% if model_name == 'orders' %}{% do return(found.replace_path(schema='other')) %}{% endif %}
  {% if model_name == 'renamed' %}{% do return(builtins.ref('shared')) %}{% endif %}
  {% do return(found) %}
{% endmacro %}
{% macro source(source_name, table_name) %}
  {% do return(builtins.source(source_name, table_name).replace_path(schema='other')) %}
{% endmacro %}
"""
FILES = {
    "macros/reads.sql": MACROS,
    "models/renamed.sql": "select 0 as double",
    "models/prod.sql": "{{ config(materialized='table', schema='other', alias='orders') }} select 7 as id, 70 as amount",
    "models/fal/scores.sql": stub(
        "ref('orders')",
        "ref('prod')",
        "ref('shared')",
        "ref('renamed')",
        "source('files', 'people')",
    ),
    "models/sources.yml": "sources:\n  - name: files\n    schema: main\n    tables: [{name: people, identifier: orders}]\n",
    "macros/names.sql": "{% macro generate_schema_name(name, node) %}{{ name or target.schema }}{% endmacro %}",
}
OTHER = {"id": [7], "amount": [70]}
SCORES = "model.shop.scores"


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    root = make_project(tmp_path_factory.mktemp("overrides") / "project", FILES)
    with sessions(root) as start:
        started = start()
        started.load("models/fal/scores.sql")
        started.ask("begin", selected=started.runnable(), scripts=True)
        for name in ("seed.shop.raw_orders", "model.shop.prod", "model.shop.orders"):
            assert started.run(name)["status"] == "success"
        yield started


@pytest.fixture(params=["model", "script", "global script"])
def job(session, request):
    """Opens a job of the model, a job of its hook, and a job that belongs to no model."""
    id = f"job of a {request.param}"
    role = {
        "model": {},
        "script": {"role": "pre_hook", "model": SCORES},
        "global script": {"role": "before"},
    }[request.param]
    unique_id = SCORES if request.param == "model" else f"script.{request.param}"
    session.ask("job_open", job=id, token="secret-" + id, unique_id=unique_id, **role)
    yield JobClient(session.location, "secret-" + id)
    result = {"unique_id": unique_id, "status": "error", "execution_time": 0.0}
    session.ask("job_close", job=id, ok=False, result=result)


def test_a_read_goes_where_the_macro_says(job):
    assert job.ref("orders").to_pydict() == OTHER
    assert job.source("files", "people").to_pydict() == OTHER
    assert job.read(
        "ref", args=["orders"], columns=["amount"], where="id = {{ 7 }}"
    ).to_pydict() == {"amount": [70]}
    assert job.sql("select * from {{ ref('orders') }}").to_pydict() == OTHER
    assert job.sql("select * from {{ source('files', 'people') }}").to_pydict() == OTHER


def test_an_ephemeral_model_is_compiled_inline(job):
    # The model's own SQL reads `orders` through the macro, too.
    assert job.ref("shared").to_pydict() == {"id": [7], "double": [140]}
    assert job.ref("renamed").to_pydict() == {"id": [7], "double": [140]}


def test_a_name_that_is_not_there_is_said_plainly(job):
    with pytest.raises(GatewayError) as caught:
        job.ref("ordres")
    assert (caught.value.code, caught.value.help) == ("gateway::unknown", "Did you mean `orders`?")


def test_a_call_stays_text(job):
    for args in (["') }} {{ 1/0 }} {{ ref('"], [["orders"]], [{"x": 1}]):
        with pytest.raises(GatewayError) as caught:
            job.read("ref", args=args)
        assert caught.value.code in ("gateway::unknown", "gateway::ref")
    with pytest.raises(GatewayError) as caught:
        job.read("ref", args=["orders"], version={"x": 1})
    assert caught.value.code == "gateway::ref"


def test_a_write_goes_to_the_models_own_table(session):
    session.ask("job_open", job="writer", token="secret-writer", unique_id=SCORES)
    JobClient(session.location, "secret-writer").write(pa.table({"x": [1]}))
    result = session.ask(
        "job_close",
        job="writer",
        ok=True,
        result={"unique_id": SCORES, "status": "success", "execution_time": 0.0},
    )
    assert result["relation_name"] == '"shop"."main"."scores"'


def test_a_lease_names_what_the_macro_says(session):
    session.ask("job_open", job="lent", token="secret-lent", unique_id=SCORES)
    lent = session.ask("job_lend", job="lent")
    relations = {read["unique_id"]: read["relation"] for read in lent["inputs"]}
    session.ask(
        "job_close",
        job="lent",
        ok=False,
        result={"unique_id": SCORES, "status": "error", "execution_time": 0.0},
    )
    assert relations["model.shop.orders"] == '"shop"."other"."orders"'
    assert relations["source.shop.files.people"] == '"shop"."other"."orders"'
    assert relations["model.shop.shared"] is None
