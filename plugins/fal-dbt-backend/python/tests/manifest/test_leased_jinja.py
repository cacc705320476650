"""Jinja of leased jobs where dbt runs as a program."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from fal_worker.engine.manifest.rendering import compiled
from fal_worker.errors import SessionError

SECRET = "s3cret-of-the-machine"


@pytest.fixture
def render(monkeypatch):
    monkeypatch.setenv("FAL_TEST_SECRET", SECRET)
    monkeypatch.setenv("FAL_TEST_PUBLIC", "public")
    credentials = SimpleNamespace(type="duckdb", schema="s", database="d")
    settings = SimpleNamespace(
        credentials=credentials,
        target_name="t",
        profile_name="p",
        threads=1,
        vars_of=lambda package: {"x": 1},
    )
    reader = SimpleNamespace(unique_id="model.p.m", package_name="p", alias=None)
    return lambda sql, leased: compiled(SimpleNamespace(settings=settings), sql, reader, leased).sql


def test_only_listed_variables_are_there(render):
    leased = frozenset({"FAL_TEST_PUBLIC"})
    assert (
        render("{{ env_var('FAL_TEST_PUBLIC') }} {{ var('x') }} {{ target.name }}", leased)
        == "public 1 t"
    )
    assert render("{{ env_var('FAL_TEST_SECRET') }}", None) == SECRET
    for text in (
        "{{ env_var('FAL_TEST_SECRET') }}",
        "{{ env_var('FAL_TEST_SECRET', 'x') }}",
        "{{ env_var('NOT_THERE', 'x') }}",
    ):
        with pytest.raises(SessionError) as caught:
            render(text, leased)
        assert caught.value.code == "gateway::leased" and SECRET not in caught.value.message


def test_no_text_gets_to_pythons_own_objects(render):
    for text in (
        "{{ ''.__class__.__mro__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ ref.__globals__ }}",
        "{{ run_query('select 1') }}",
    ):
        with pytest.raises(SessionError, match="unsafe|undefined"):
            render(text, frozenset())
