"""SQL with names that only dbt knows, over a program in the place of dbt."""

from __future__ import annotations

import sys
import threading

import duckdb
import pytest
from fal_worker.engine.manifest import duckdb_file
from fal_worker.engine.manifest.compiling import Compiler
from fal_worker.errors import SessionError
from fal_worker.project import interface

from .test_parts import project  # noqa: F401

# Answers with what it got, or ends as its first word says.
PROGRAM = """
import duckdb, json, os, sys, time
sql = sys.argv[-1]
def say(level, message, **data):
    print(json.dumps({"info": {"level": level, "msg": message}, "data": data}))
if "hang" in sql:
    print("hangs", flush=True)
    time.sleep(600)
if "wrong" in sql:
    say("error", "[error] [JinjaError (dbt1501)]: unknown function: wrong\\n   0: <unknown>")
    sys.exit(1)
if "database" in sql:
    duckdb.connect(os.environ["DATABASE"]).execute("select 1")
print("printed by a macro")
say("info", "Compiled", compiled=sql)
"""


@pytest.fixture
def compiling(project, tmp_path, monkeypatch):
    # The profile's path is relative.
    monkeypatch.chdir(tmp_path)
    words, env = [sys.executable, "-c", PROGRAM], {"DATABASE": "f.duckdb"}
    project.compiler = Compiler(words, env, project.cancelled)
    return project


def test_sql_with_macros_is_compiled_by_dbt_and_what_it_reads_is_known(compiling):
    nodes = compiling.manifest.nodes
    sql = "select {{ my_macro(this) }} from {{ ref('a') }} join {{ adapter.dispatch(source('s', 't')) }}"
    compiled = compiling.compile_sql(sql, nodes["model.shop.stub"])
    this = (
        '{%- set this = api.Relation.create(database="f", schema="main", identifier="od\\"d") -%}'
    )
    assert compiled.sql == this + sql
    assert compiled.reads == ("model.shop.a", "source.shop.s.t")
    assert compiling.compile_sql("{{ ref('a') }}").sql == '"f".main."a"'


def test_errors_have_dbts_words(compiling):
    with pytest.raises(SessionError) as caught:
        compiling.compile_sql("{{ wrong() }}")
    assert caught.value.message == "SQL of the project: unknown function: wrong"
    with pytest.raises(SessionError, match="undefined"):
        compiling.compile_sql("{{ my_macro() }}", leased=frozenset())


def test_a_model_that_has_written_uses_no_macros(compiling):
    node = compiling.manifest.nodes["model.shop.stub"]

    class Own:
        unique_id, relation = node.unique_id, "just_written"

    before = interface.OPEN_WRITE.set(Own())
    try:
        with pytest.raises(SessionError, match="after write_to_model"):
            compiling.compile_sql("{{ my_macro() }}", node)
        assert compiling.compile_sql("{{ this }}", node).sql == "just_written"
    finally:
        interface.OPEN_WRITE.reset(before)


def test_dbt_gets_the_database_once_no_job_uses_it(compiling, monkeypatch):
    handle = compiling.adapter.connections.env().handle()
    handle.run("create table t (i int)")
    closing = threading.Thread(target=handle.close)
    waits = compiling.adapter.connections.env()._changed.wait_for

    def wait_for(*args):
        closing.start()
        return waits(*args)

    with monkeypatch.context() as patched:
        patched.setattr(compiling.adapter.connections.env()._changed, "wait_for", wait_for)
        assert "database" in compiling.compile_sql("{{ database() }}").sql
    closing.join()
    # The next job opens it again.
    handle = compiling.adapter.connections.env().handle()
    assert handle.rows("select count(*) from t") == [(0,)]
    monkeypatch.setattr(duckdb_file, "_PATIENCE", 0)
    with pytest.raises(SessionError, match="while a Python model reads or writes"):
        compiling.compile_sql("{{ database() }}")
    handle.close()


def test_a_cancelled_run_ends_the_call(compiling):
    threading.Timer(0, compiling.cancelled.set).start()
    with pytest.raises(SessionError, match="Interrupted"):
        compiling.compile_sql("{{ hang() }}")
    assert duckdb.connect("f.duckdb").execute("select 1").fetchall()
