"""A project's own macros `ref` and `source` apply to the reads of jobs."""

import pyarrow as pa
import pytest
from live.client import SCORES, Client
from live.fixtures import begun, make_project, stub
from live.job_client import refusal

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
        *(f"ref('{name}')" for name in ("orders", "prod", "shared", "renamed")),
        "source('files', 'people')",
    ),
    "models/sources.yml": "sources:\n  - name: files\n    schema: main\n    tables: [{name: people, identifier: orders}]\n",
    "macros/names.sql": "{% macro generate_schema_name(name, node) %}{{ name or target.schema }}{% endmacro %}",
}
OTHER = {"id": [7], "amount": [70]}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    root = make_project(tmp_path_factory.mktemp("overrides") / "project", FILES)
    ran = ("seed.shop.raw_orders", "model.shop.prod", "model.shop.orders")
    with begun(root, "models/fal/scores.sql", ran=ran, scripts=True) as session:
        yield Client(session)


JOBS = {
    "model": (SCORES, {}),
    "script": ("script.script", {"role": "pre_hook", "model": SCORES}),
    "global script": ("script.global script", {"role": "before"}),
}


@pytest.fixture(params=JOBS)
def job(client, request):
    """Opens a job of the model, a job of its hook, and a job that belongs to no model."""
    unique_id, role = JOBS[request.param]
    opened = client.open(unique_id, **role)
    yield opened
    client.close(opened, ok=False)


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
    error = refusal(job.ref, "ordres")
    assert (error.code, error.help) == ("gateway::unknown", "Did you mean `orders`?")


def test_a_call_stays_text(job):
    for args in (["') }} {{ 1/0 }} {{ ref('"], [["orders"]], [{"x": 1}]):
        assert refusal(job.read, "ref", args=args).code in ("gateway::unknown", "gateway::ref")
    assert refusal(job.read, "ref", args=["orders"], version={"x": 1}).code == "gateway::ref"


def test_a_write_goes_to_the_models_own_table(client):
    assert client.write(pa.table({"x": [1]}))["relation_name"] == '"shop"."main"."scores"'


def test_a_lease_names_what_the_macro_says(client):
    lent = client.open()
    inputs = client.session.ask("job_lend", job=lent.id)["inputs"]
    client.close(lent, ok=False)
    relations = {read["unique_id"]: read["relation"] for read in inputs}
    assert relations["model.shop.orders"] == '"shop"."other"."orders"'
    assert relations["source.shop.files.people"] == '"shop"."other"."orders"'
    assert relations["model.shop.shared"] is None
