"""The answer to `load`: the graph, or the reason why there is none."""

import json
import re
import subprocess
import sys

import pytest
from live.fixtures import make_project, sessions
from live.process import PACKAGE, Refused

RICH = {
    "models/off.sql": "{{ config(enabled=false) }} select 1 as x",
    "models/dim_v1.sql": "select 1 as v",
    "models/dim_v2.sql": "select 2 as v",
    "models/more.yml": """
models:
  - name: dim
    latest_version: 2
    versions: [{v: 1}, {v: 2}]
    access: public
  - name: orders
    config: {tags: [a, b], meta: {owner: me, nan: .nan}}
    columns: [{name: id, data_tests: [unique, {accepted_values: {values: [1], name: named}}]}]
sources:
  - {name: files, schema: main, loader: hand, tables: [{name: people, columns: [{name: id, data_tests: [not_null]}]}]}
exposures:
  - {name: board, type: dashboard, owner: {name: me}, depends_on: [ref('orders')]}
unit_tests:
  - {name: doubles, model: shared, given: [{input: ref('orders'), rows: [{id: 1, amount: 2}]}], expect: {rows: [{id: 1, double: 4}]}}
groups:
  - {name: finance, owner: {name: me}}
""",
    "tests/single.sql": "select * from {{ ref('orders') }} where false",
    "snapshots/snap.sql": "{% snapshot snap %}{{ config(unique_key='id', strategy='check', check_cols='all', target_schema='main') }} select * from {{ ref('orders') }}{% endsnapshot %}",
    "selectors.yml": "selectors:\n  - {name: nightly, definition: 'tag:a'}\n",
}


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    root = make_project(tmp_path_factory.mktemp("load") / "rich", RICH)
    with sessions(root) as start:
        session = start(command="ls", execute=False)
        yield session.load("models/fal/scores.sql"), session


def test_the_graph_has_what_selectors_need(graph):
    loaded, session = graph
    nodes = {n["unique_id"]: n for n in loaded["nodes"]}
    assert not [uid for uid in nodes if "off" in uid.split(".")]
    kinds = {n["resource_type"] for n in nodes.values()}
    assert kinds == {"model", "seed", "snapshot", "test", "source", "exposure", "unit_test"}

    dim = nodes["model.shop.dim.v2"]
    assert dim["version"] == "2"
    assert dim["latest_version"] == "2"
    assert dim["access"] == "public"
    assert dim["fqn"] == ["shop", "dim", "v2"]
    orders = nodes["model.shop.orders"]
    assert orders["tags"] == ["a", "b"]
    assert orders["config"]["materialized"] == "table"
    assert orders["patch_path"] == "shop://models/more.yml"
    assert orders["meta"] == {"owner": "me", "nan": None}
    assert orders["path"] == "orders.sql"
    assert orders["original_file_path"] == "models/orders.sql"
    assert orders["language"] == "sql"
    assert orders["relation_name"] == '"shop"."main"."orders"'

    named = next(n for n in nodes.values() if n["name"] == "named")
    assert named["extra"]["test_metadata"]["name"] == "accepted_values"
    assert named["extra"]["attached_node"] == "model.shop.orders"
    assert named["extra"]["column_name"] == "id"
    assert named["extra"]["test_node_type"] == "generic"
    assert nodes["test.shop.single"]["extra"]["test_node_type"] == "singular"

    source = nodes["source.shop.files.people"]
    assert source["source_name"] == "files"
    assert source["name"] == "people"
    assert source["extra"]["loader"] == "hand"
    assert nodes["exposure.shop.board"]["extra"]["type"] == "dashboard"
    assert nodes["unit_test.shop.shared.doubles"]["depends_on"] == ["model.shop.shared"]
    assert nodes["model.shop.scores"]["depends_on"] == ["model.shop.orders"]


def test_the_session_speaks_of_itself(graph):
    loaded, session = graph
    info = loaded["info"]
    assert re.fullmatch(r"1\.\d+\.\d+.*", info["dbt_version"])
    assert info["adapter"] == "duckdb"
    assert info["project_name"] == "shop"
    assert info["target_name"] == "dev"
    assert info["schema"] == "main"
    assert (info["threads"], info["target_path"]) == (4, str(session.project / "target"))
    assert info["run_results_metadata"]["invocation_id"] == info["invocation_id"]
    assert info["run_results_metadata"]["dbt_schema_version"].endswith("run-results/v6.json")
    assert info["args"]["which"] == "build"
    assert info["selectors"]["nightly"]["definition"]["value"] == "a"


def test_dbts_own_selection_methods(graph):
    _, session = graph
    select = lambda method, value: session.ask("select", method=method, value=value)["unique_ids"]
    assert select("tag", "a") == ["model.shop.orders"]
    assert select("config.materialized", "ephemeral") == ["model.shop.scores", "model.shop.shared"]
    assert select("path", "models/fal") == ["model.shop.scores"]
    assert "test.shop.named" in {
        uid.rsplit(".", 1)[0] for uid in select("test_name", "accepted_values")
    }
    for method, value in (
        ("state", "modified"),
        ("nonsense", "x"),
        ("test_type", "x"),
        ("resource_type", "x"),
    ):
        with pytest.raises(Refused, match="dbt::"):
            select(method, value)


def test_state_is_compared(tmp_path, open_session):
    root = make_project(tmp_path / "p")
    first = open_session(root)
    first.start("models/fal/scores.sql", selected=[])
    first.finish()
    (root / "target").rename(root / "before")
    (root / "models/orders.sql").write_text("select 1 as id, 2 as amount")
    second = open_session(root, command="ls", execute=False, dbt_args=["--state", "before"])
    second.load("models/fal/scores.sql")
    text = second.ask("select", method="state", value="modified")["unique_ids"]
    assert "model.shop.orders" in text


BROKEN = {
    "a file that is not SQL": ({"models/bad.sql": "select {{ nope( }}"}, "dbt::compile", "bad.sql"),
    "an unknown ref": ({"models/bad.sql": "select * from {{ ref('nope') }}"},
        "dbt::compile", "'nope' which was not found"),
    "a broken YAML file": ({"models/bad.yml": "models: [\n"}, "dbt::parse", "bad.yml"),
    "a broken project": ({"dbt_project.yml": "name: 1shop\nprofile: shop\n"},
        "dbt::project", "dbt_project.yml|Could not run dbt|1shop"),
    "no such profile": ({"profiles.yml": "other: {}\n"},
        "dbt::pro", "Could not find profile named 'shop'"),
    "no such adapter": ({"profiles.yml": "shop: {target: d, outputs: {d: {type: acme}}}\n"},
        "dbt::", "acme"),
    "a database that cannot be opened": ({"shop.duckdb": "no database"}, "dbt::", "shop.duckdb"),
    "a cycle": ({f"models/{a}.sql": f"select * from {{{{ ref('{b}') }}}}" for a, b in ("ab", "ba")},
        "dbt::cycle", "model.shop.a"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_is_said_in_dbts_words(tmp_path, open_session, case):
    files, code, text = BROKEN[case]
    session = open_session(make_project(tmp_path / "broken", files))
    with pytest.raises(Refused) as caught:
        session.start("models/fal/scores.sql")
    assert caught.value.code.startswith(code), caught.value
    assert re.search(text, caught.value.message), caught.value.message
    assert "Traceback" not in caught.value.message
    assert session.logs("warn", "error") == []
    try:
        session.finish()
    except Refused as again:
        assert again.code == caught.value.code
        assert session.process.wait(30) == 0


def test_a_second_run_parses_partially(project, open_session):
    for expected in ("full", "partial"):
        session = open_session(command="ls", execute=False, debug=True)
        session.load("models/fal/scores.sql")
        session.finish()
        said = " ".join(session.logs("info", "debug"))
        found = "Unable to do partial parsing" in said
        assert ("full" if found else "partial") == expected


def test_what_dbt_warns_of_and_macros_say_is_logged(tmp_path, open_session):
    models = {
        "models/says.sql": "{{ log('hello from a macro', info=true) }}{{ print('printed') }} select 1 as x",
        "models/odd.yml": "models: [{name: not_there}]\n",
    }
    session = open_session(make_project(tmp_path / "p", models))
    session.start("models/fal/scores.sql")
    session.run("model.shop.says")
    session.finish()
    assert [m for m in session.logs("info") if m in ("hello from a macro", "printed")] != []
    assert any("not_there" in m for m in session.logs("warn"))
    assert session.logs("debug") == []


def error_of(script: str) -> dict:
    """The error that a script prints, in a process of its kind."""
    environment = {"PYTHONPATH": str(PACKAGE)}
    command = [sys.executable, "-c", script]
    out = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(out.stdout)


def test_without_dbt_it_says_so():
    error = error_of(
        "import sys, os, socket, json, subprocess\n"
        "class No:\n    def find_spec(self, name, *a):\n        if name.split('.')[0] == 'dbt': raise ModuleNotFoundError('no', name=name)\n"
        "sys.meta_path.insert(0, No())\nfrom fal_worker.engine.open import _import_dbt\nprint(json.dumps(_import_dbt().to_dict()))"
    )
    assert (error["code"], "dbt is not installed in" in error["message"]) == ("dbt::missing", True)


def test_a_dbt_without_the_names_we_need_is_refused():
    error = error_of(
        "import dbt.cli.main, dbt.task.build, json\nfrom dbt.task.runnable import GraphRunnableTask as T\n"
        "del T.run_queue\nfrom fal_worker.engine import selfcheck\n"
        "try:\n    selfcheck.check()\nexcept Exception as e:\n    print(json.dumps(e.to_dict()))"
    )
    assert error["code"] == "dbt::unsupported"
    missing = "no dbt.task.build.BuildTask.run_queue"
    start = rf"dbt-core \d.* cannot be driven from the inside: {missing}"
    assert re.match(start, error["message"])
