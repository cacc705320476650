"""Leased models on a warehouse whose statements aren't checked: the generic path, over DuckDB."""

import pytest
from live.job_client import refusal

from .conftest import FILES, LeaseClient, open_client


@pytest.fixture(scope="module", params=["duckdb"])
def unchecked(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAL_TEST_GENERIC", "1")
        with open_client(
            request, tmp_path_factory.mktemp("unchecked") / "project", FILES
        ) as client:
            client.attempt = client.lend().start()
            yield client


def test_without_a_check_only_the_gateways_own_sql_runs(unchecked: LeaseClient):
    read = unchecked.attempt.read
    orders = {"op": "ref", "args": ["orders"]}
    assert read(**orders).num_rows == 3
    assert read(**orders, columns=["ID"], limit=2).to_pylist() == [{"id": 1}, {"id": 2}]
    assert read(**orders, where="id > 1 and amount is not null").num_rows == 1
    assert read(**orders, where="id = {{ var('one', 1) }}").num_rows == 1
    relation = unchecked.query('select \'"\' || current_database() || \'"."main"."orders"\'')[0][0]
    assert read(op="relation", relation=relation).num_rows == 3
    for asked in (
        {"op": "sql", "sql": "select 1"},
        {"op": "sql", "sql": "select 1", "raw": True},
        {"op": "relation", "relation": "orders"},
        {"op": "relation", "relation": "read_text('/etc/passwd')"},
        {**orders, "where": "abs(id) > 1"},
        {**orders, "where": "id in (select 1)"},
        {**orders, "where": "{{ run_query('select 1') }}"},
        {**orders, "where": "{{ 'abs(id) > 1' }}"},
        {**orders, "where": "1=1); drop table orders; --"},
    ):
        error = refusal(read, **asked)
        assert error.code == "gateway::leased", error.message
    assert unchecked.table("orders") == [(1, 10), (2, 20), (3, None)]
