"""Warehouses of other packages: found by their entry point, and named in errors when they are
broken.
"""

import os

import pyarrow as pa
import pytest
from fal_worker.errors import SessionError
from fal_worker.warehouse import registry
from fal_worker.warehouse.duckdb.facts import FACTS as OF_DUCKDB
from live.client import Client
from live.fixtures import ORDERS, begun, make_project, stub
from live.job_client import refusal

from .acme import install


@pytest.fixture
def offers(tmp_path, monkeypatch):
    """Installs packages for this process only."""
    monkeypatch.syspath_prepend(tmp_path)
    registry._facts_of.cache_clear()
    yield lambda entry, **more: install(tmp_path, entry, **more)
    registry._facts_of.cache_clear()


def test_a_model_is_written_through_the_warehouse_of_another_package(tmp_path, monkeypatch):
    site, log = tmp_path / "site", tmp_path / "log"
    install(site, "acme_fal:FACTS")
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
    monkeypatch.setenv("FAL_TEST_ACME_LOG", str(log))
    files = {
        "profiles.yml": "shop: {target: dev, outputs: {dev: {type: acme, path: shop.duckdb, threads: 4}}}\n",
        "models/fal/scores.sql": stub("ref('orders')"),
    }
    root = make_project(tmp_path / "project", files)
    with begun(root, "models/fal/scores.sql", ran=ORDERS, fresh=True) as session:
        client = Client(session)
        job = client.open()
        job.write(job.ref("orders"))
        closed = client.close(job)
        assert (closed["status"], closed["rows_affected"]) == ("success", 3)
        report = session.run("model.shop.report")
        assert report["status"] == "success", report["message"]
    assert log.read_text() == "scores overwrite {}\n"


def test_facts_and_what_opens_a_warehouse_are_taken(offers, monkeypatch):
    offers("acme_fal:FACTS")
    assert registry.facts_of("acme").has_structs is True
    registry._facts_of.cache_clear()
    offers("acme_fal:Acme")
    assert registry.facts_of("acme").has_structs is False


def test_fals_own_warehouses_come_first(offers):
    offers("acme_fal:FACTS")
    assert registry.facts_of("duckdb") is OF_DUCKDB


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("acme_fal:MISSING", "it cannot be loaded: AttributeError: "),
        (
            "not_there:FACTS",
            "it cannot be loaded: ModuleNotFoundError: No module named 'not_there'",
        ),
        ("acme_fal:NO_FACTS", "it names neither `Facts` nor something that takes an adapter"),
        ("acme_fal:Lacking", "what it opens has no begin_write, no cancel, no column_rules"),
        ("acme_fal:failing", "opening it failed: RuntimeError: no licence"),
    ],
)
def test_a_broken_entry_point_is_named(offers, entry, why):
    offers(entry)
    error = refusal(lambda: registry.facts_of("acme").open(None))
    start = (
        "The package acme-fal 1.2 offers a warehouse for the dbt adapter `acme` "
        f"(entry point `{entry}` of fal_host.warehouses), but {why}"
    )
    assert (error.code, error.message[: len(start)]) == ("gateway::warehouse", start)
    assert error.help == "Upgrade acme-fal, or uninstall it from dbt's Python environment."


def test_two_packages_for_one_adapter_are_named(offers):
    offers("acme_fal:FACTS")
    offers("acme_fal:FACTS", name="other-fal")
    error = refusal(registry.facts_of, "acme")
    assert "acme-fal 1.2 and other-fal 1.2 each offer" in error.message


def test_without_a_package_an_adapter_takes_the_general_path():
    assert registry.facts_of("nothing_of_the_kind").dialect == registry.generic_facts().dialect


def test_a_rule_of_the_package_is_checked(offers):
    offers("acme_fal:Acme")
    from acme_fal import Acme

    with pytest.raises(SessionError):
        Acme.column_rules.check(pa.schema([("x" * 41, pa.int64())]))
