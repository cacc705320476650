"""Reads of scripts: relations of the whole project, lists of nodes, the context."""

from live.client import until


def test_every_relation_as_from_the_model_without_declaring_it(client):
    code = """
    print(len(ref("orders")), len(ref("shop", "orders")), len(source("files", "people")), ref("elsewhere").x[0])
    print(ref("dim", version=2).v[0], ref("dim", v=1).v[0], ref("dim").v[0])
    print(execute_sql("select {{ twice(4) }} as a, '{{ var('colour') }}' as b, '{{ target.name }}' as c, '{{ this }}' as d", as_="arrow").to_pylist()[0])
    print(execute_sql("select count(*) as n from {{ ref('orders') }} o join {{ source('files', 'people') }} p using (id)").n[0])
    print(this, target.type, var("colour"), var("size"), var("none", 5), env_var("HOME") != "", __name__, this + ";", "from " + this, this.count('"'))
    """
    assert client.said(code).splitlines() == [
        "3 3 3 7",
        "2 1 1",
        "{'a': 8, 'b': 'red', 'c': 'dev', 'd': '\"shop\".\"main\".\"orders\"'}",
        "3",
        '"shop"."main"."orders" duckdb red 3 5 True __main__ "shop"."main"."orders"; from "shop"."main"."orders" 6',
    ]


def test_a_global_script_stands_in_the_root_project(client):
    code = """
    print(context.current_model, len(ref("orders")), ref("dim", version=2).v[0], source("files", "people").shape, var("size"))
    print(execute_sql("select count(*) as n from {{ ref('orders') }}").n[0], context.config.target_path.name)
    try:
        str(this)
    except FalError as error:
        print(error)
    """
    assert client.said(code, role="global", model=None).splitlines() == [
        "None 3 2 (3, 2) 3",
        "3 target",
        "fal: a global script belongs to no model, so there is no `this`",
    ]


def test_reading_what_has_not_run_yet_is_a_warning(client):
    assert client.said('print(len(ref("shared")), len(source("files", "people")))') == "3 3\n"
    ended, _ = client.script('ref("late")')
    assert "late" in ended.error["message"]
    warning = "script.after.fal_scripts/s.py reads model.shop.late, which is part of this run and has not run yet"
    until(lambda: warning in client.session.logs("warn"))
    warnings = client.session.logs("warn")
    assert not [each for each in warnings if "shared" in each or "people" in each]


def test_the_context_of_a_model_that_ran(client):
    code = """
    model = context.current_model
    print(model.name, model.alias, model.status, model.meta, model["columns"]["amount"].description, list(model.columns))
    print([(t.name, t.model_name, t.column, t.status) for t in model.tests])
    print(model.adapter_response.message, model.adapter_response.rows_affected, context["config"]["target_path"])
    print(hasattr(context, "arguments"), "arguments" in context, model.status == "success", model.status.value)
    """
    lines = client.said(code).splitlines()
    assert (
        lines[0] == "orders orders success {'owner': 'ann'} What was paid. ['id', 'at', 'amount']"
    )
    expected = [("not_null", "orders", "id", "skipped"), ("unique", "orders", "id", "skipped")]
    assert sorted(eval(lines[1])) == expected
    assert (
        lines[2].endswith(str(client.project / "target")) and lines[3] == "False False True success"
    )


def test_the_target_of_the_context(client):
    code = "t = context.target\nprint(t.name, t.profile_name, t.type, t.schema, t.database, t.threads == target.threads)"
    assert client.said(code) == "dev shop duckdb main shop True\n"


def test_a_model_that_has_not_run_is_skipped(client):
    code = "print(context.current_model.status, context.current_model.adapter_response, list_models_ids()['model.shop.late'])"
    assert client.said(code, model="model.shop.late", role="before") == "skipped None skipped\n"


def test_sources_have_a_status_and_the_freshness_that_dbt_found_last(client):
    code = """
    for s in sorted(list_sources(), key=lambda s: s.table_name):
        f = s.freshness
        print(s.table_name, s.status.value, None if f is None else (f.status, f.status.value, f.max_loaded_at_time_ago_in_s))
    """
    assert client.said(code).splitlines() == [
        "log skipped ('warn', 'warn', 7.5)",
        "other skipped None",
        "people skipped None",
        "people skipped None",
    ]


def test_arguments_are_there_in_hooks(client):
    code = "print(context.arguments.a, context.arguments['b'].c, context['arguments']['a'], context.current_model.name)"
    expected = "1 [2] 1 orders\n"
    assert client.said(code, role="post_hook", arguments={"a": 1, "b": {"c": [2]}}) == expected
    assert client.said("print(context.arguments)", role="pre_hook") == "{}\n"
    error = client.script("context.arguments")[0].error
    assert "pre-hooks and post-hooks only" in error["message"]


def test_lists(client):
    code = """
    model = {m.name: m for m in list_models()}["orders"]
    print(model.alias, model.unique_id, model.status, sorted(t.name for t in model.tests), model.meta, model.columns["id"].description)
    source = {s.table_name: s for s in list_sources()}["log"]
    print(source.name, source.unique_id, source.meta, [(t.name, t.column, t.model_name) for t in source.tests])
    print(sorted((t.name, t.model_name, t.column, t.status) for t in list_tests()))
    print([dict(f) for f in list_features()])
    """
    lines = client.said(code).splitlines()
    expected = "orders model.shop.orders success ['not_null', 'unique'] {'owner': 'ann'} The order."
    assert lines[0] == expected
    assert lines[1] == "out source.shop.out.log {'keep': 'yes'} [('not_null', 'n', 'log')]"
    assert eval(lines[2]) == [
        ("not_null", "log", "n", "skipped"), ("not_null", "orders", "id", "skipped"), ("unique", "orders", "id", "skipped"),
    ]  # fmt: skip
    assert eval(lines[3]) == [
        {
            "model": "orders",
            "column": "amount",
            "entity_column": "id",
            "timestamp_column": "at",
            "description": "What was paid.",
        }
    ]


def test_a_part_of_a_relation(client):
    code = """
    import numpy
    from fal import FalDbt
    print(ref("orders", columns=("AMOUNT",), where="id = {{ 1 + 1 }}", as_="arrow").to_pydict())
    print(len(source("files", "people", limit=numpy.int64(2))), FalDbt().ref("orders", limit=1).shape)
    """
    assert client.said(code) == "{'amount': [20]}\n2 (1, 2)\n"


def test_parts_of_a_wrong_kind(client):
    code = """
    parts = [{"columns": "id"}, {"columns": [1]}, {"columns": []}, {"columns": ["id", "id"]}, {"where": 3}, {"where": ""}]
    for part in [*parts, {"limit": 1.5}, {"limit": True}, {"limit": -1}]:
        try:
            ref("orders", **part)
        except FalError as error:
            print(error)
    """
    assert client.said(code).splitlines() == [
        "fal: ref takes columns=[...], a list of names, not 'id'",
        "fal: ref takes columns=[...], a list of names, and 1 is none",
        "fal: ref takes columns=[...], a list of at least one name",
        "fal: ref was given the column 'id' twice",
        "fal: ref takes where='...', a condition in SQL, not 3",
        "fal: ref was given an empty condition: leave `where` out to read all rows",
        "fal: ref takes limit=n, a whole number of rows from 0, not 1.5",
        "fal: ref takes limit=n, a whole number of rows from 0, not True",
        "fal: ref takes limit=n, a whole number of rows from 0, not -1",
    ]
