"""A project's own macro `ref` redirects reads of leased models, and nothing else."""

import pytest
from live.job_client import refusal

from .conftest import FILES, open_client

MACRO = """
{% macro ref(model_name) %}
  {% set found = builtins.ref(model_name) %}
  {% do return(found.replace_path(schema='side') if model_name == 'orders' else found) %}
{% endmacro %}
"""


@pytest.mark.parametrize("redirected", ["duckdb", "postgres"], indirect=True)
def test_a_lease_reads_where_the_macro_sends_it(redirected):
    attempt = redirected.lend("scores").start()
    assert attempt.ref("orders").to_pydict() == {"id": [77]}
    assert attempt.ref("orders").num_rows == 1
    assert attempt.sql("select id from {{ ref('orders') }}").to_pydict() == {"id": [77]}
    for statement in ("select * from side.hidden", "select * from hidden"):
        assert refusal(attempt.sql, statement).code == "gateway::leased"


@pytest.fixture
def redirected(request, tmp_path):
    with open_client(request, tmp_path / "project", {**FILES, "macros/ref.sql": MACRO}) as client:
        client.query("create schema if not exists side")
        client.query("create table side.orders as select 77 as id")
        client.query("create table side.hidden as select 1 as id")
        client.query("create table hidden as select 1 as id")
        yield client
