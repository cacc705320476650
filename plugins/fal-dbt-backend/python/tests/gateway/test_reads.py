"""What a model may read, and the rows it gets."""

import pyarrow as pa
from live.client import until
from live.job_client import JobClient, refusal

ORDERS = {"id": [1, 2, 3], "amount": [10, 20, None]}


def test_a_ref_with_and_without_package_a_source_and_an_ephemeral_model(job):
    assert job.ref("orders").to_pydict() == ORDERS
    assert job.ref("shop", "orders").to_pydict() == ORDERS
    assert job.source("files", "people").num_rows == 3
    assert job.ref("shared")["double"].to_pylist() == [20, 40, None]


def test_another_python_model_is_its_table_with_schema_and_alias(client, job):
    result = client.write(pa.table({"x": ["here"]}), "model.shop.elsewhere")
    assert result["relation_name"] == '"shop"."main_other"."renamed"'
    assert job.ref("elsewhere").to_pydict() == {"x": ["here"]}
    # dbt's SQL downstream, and SQL of the model itself, read the same table.
    assert client.session.run("model.shop.after")["status"] == "success"
    assert job.sql("select x || '!' as x from {{ ref('elsewhere') }}").to_pydict() == {
        "x": ["here!"]
    }


def test_this_in_sql_is_the_relation_of_the_model(job):
    relation = job.sql("select '{{ this }}' as name")["name"].to_pylist()[0]
    assert relation == job.action("context")["this"]
    assert relation.endswith('"scores"')


def test_names_that_are_not_there(job):
    error = refusal(job.ref, "ordres")
    assert error.code == "gateway::unknown"
    assert error.message == "ref('ordres'): the project has no such node"
    assert error.help == "Did you mean `orders`?"
    assert refusal(job.source, "files", "poeple").help == "Did you mean `files.people`?"
    assert refusal(job.ref, "off").code == "gateway::disabled"
    assert refusal(job.read, "ref", args=[]).code == "gateway::ref"
    assert refusal(job.read, "nonsense").code == "gateway::op"


def test_versions(client, job):
    for version, value in ((1, 1), (2, 2)):
        client.session.run(f"model.shop.dim.v{version}")
        error = refusal(job.ref, "dim", version=version)
        # The reference resolves, but is refused because the stub doesn't declare it.
        assert error.code == "gateway::undeclared"
        assert f"model.shop.dim.v{version}" in error.message
    assert refusal(job.ref, "dim", version=3).code == "gateway::unknown"


def test_an_undeclared_read_of_a_selected_node_is_an_error(job):
    error = refusal(job.ref, "unrelated")
    assert error.code == "gateway::undeclared"
    assert error.help == "Name it in the docstring: - ref('unrelated')"
    assert refusal(job.sql, "select * from {{ ref('unrelated') }}").code == "gateway::undeclared"


def test_an_undeclared_read_of_another_node_is_one_warning(client, job):
    for _ in range(2):
        error = refusal(job.ref, "not_selected")  # never built
        assert error.code == "gateway::database", error.message
    warning = "model.shop.scores reads model.shop.not_selected, which it does not declare"
    # The warning takes another way than the answer.
    until(lambda: warning in client.session.logs("warn"))
    assert [m for m in client.session.logs("warn") if "not_selected" in m] == [warning]


def test_a_model_may_read_its_own_table(client, job):
    client.write(pa.table({"x": [7]}))
    assert job.ref("scores").to_pydict() == {"x": [7]}


def test_sql_without_a_result_gives_an_empty_table(job):
    table = job.sql("create or replace temp table t as select 1")
    assert (table.num_rows, table.num_columns) == (0, 0)
    assert job.sql("").num_columns == 0


def test_sql_of_several_statements_gives_the_last_result(job):
    assert job.sql(
        "create or replace table side as select 5 as x; select x + 1 as y from side"
    ).to_pydict() == {"y": [6]}
    assert job.sql("insert into side values (6)").num_columns == 0
    assert job.sql("select count(*) as n from side").to_pydict() == {"n": [2]}


def test_raw_sql_keeps_its_braces(job):
    assert job.sql("select '{{ x }}' as x", raw=True).to_pydict() == {"x": ["{{ x }}"]}


def test_wrong_sql_is_the_databases_message(job):
    error = refusal(job.sql, "select * from nowhere")
    assert error.code == "gateway::database"
    assert "nowhere" in error.message
    assert refusal(job.sql, "select {{ nope( }}").code == "dbt::compile"
    assert refusal(job.sql, "select * from {{ ref('ordres') }}").code == "dbt::compile"


def test_only_known_tokens(client, job):
    for token in ("", "secret", None):
        stranger = JobClient(client.session.location, token)
        assert refusal(stranger.ref, "orders").code == "gateway::token"
        assert refusal(stranger.action, "list_models").code == "gateway::token"
        assert refusal(stranger.write, pa.table({"x": [1]})).code == "gateway::token"


def test_zero_rows_and_many_rows(job):
    assert job.sql("select id from {{ ref('orders') }} where false").schema == pa.schema(
        {"id": pa.int32()}
    )
    table = job.sql("select range as i from range(300000)")
    assert (table.num_rows, table["i"].num_chunks > 1) == (300000, True)


def test_a_reader_that_goes_away_frees_its_connection(job):
    stream = job.open("sql", sql="select range as i from range(100000000)")
    stream.read_chunk()
    stream.cancel()
    assert job.ref("orders").num_rows == 3


def test_what_user_code_may_ask(job):
    models = {m["name"]: m for m in job.action("list_models")}
    assert models["scores"]["tests"][0]["column"] == "id"
    assert models["orders"]["status"] == "success"
    assert job.action("list_models_ids")["model.shop.report"] == "skipped"
    assert job.action("list_sources")[0]["table_name"] == "people"
    context = job.action("context")
    assert context["current_model"]["name"] == "scores"
    assert context["target"]["type"] == "duckdb"
    assert context["config"]["target_path"].endswith("/target")
