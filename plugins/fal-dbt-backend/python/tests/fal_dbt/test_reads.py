"""The relations that `FalDbt` reads, and its lists."""

import pytest
from fal import CurrentModel, DbtGenericTest, DbtModel, DbtSource, DbtTest, FalError


def test_ref_gives_frames_of_every_form(fal):
    assert fal.ref("orders")["id"].tolist() == [1, 2, 3]
    assert fal.ref("shop", "orders", as_="arrow").num_rows == 3
    assert fal.ref("orders", as_="polars")["amount"].to_list() == [10, 20, None]
    assert fal.ref("orders", as_="reader").read_all().column_names == ["id", "amount"]


def test_versions_ephemeral_models_and_sources(fal):
    assert fal.ref("dim")["v"].tolist() == [2]
    assert fal.ref("dim", version=1)["v"].tolist() == [1]
    assert fal.ref("shared")["double"].tolist()[:2] == [20, 40]
    assert fal.source("raw", "people")["name"].tolist() == ["Ada"]


def test_sql_is_compiled_with_refs_macros_and_vars(fal):
    columns = "{{ twice('amount') }} as a, {{ var('discount') }} as d, '{{ var('season') }}' as s"
    sql = f"select {columns} from {{{{ ref('orders') }}}} where id = 2"
    assert fal.execute_sql(sql).to_dict("records") == [{"a": 40, "d": 5, "s": "summer"}]
    assert fal.execute_sql("select * from {{ source('raw', 'people') }}")["name"].tolist() == [
        "Ada"
    ]


def test_what_is_wrong_is_told_in_words(fal):
    with pytest.raises(FalError, match="Did you mean `orders`"):
        fal.ref("ordres")
    with pytest.raises(FalError, match="model.shop.off is disabled"):
        fal.ref("off")
    with pytest.raises(FalError, match="no_such_macro"):
        fal.execute_sql("select {{ no_such_macro() }}")
    with pytest.raises(FalError, match="nowhere"):
        fal.execute_sql("select * from nowhere")
    with pytest.raises(FalError, match="1 or 2 names"):
        fal.ref()


def test_lists(fal):
    models = {model.name: model for model in fal.list_models()}
    assert models["orders"].unique_id == "model.shop.orders"
    assert models["orders"].meta == {"owner": "sales"}
    assert set(models["orders"].columns) == {"id"}
    assert fal.list_models_ids()["model.shop.written"] == "skipped"
    expected = {("raw", "people"), ("raw", "log")}
    assert {(source.name, source.table_name) for source in fal.list_sources()} == expected
    assert ("orders", "id") in [(test.model_name, test.column) for test in fal.list_tests()]
    assert fal.list_features() == []
    assert (fal.models, fal.sources, fal.tests, fal.features) == (
        fal.list_models(), fal.list_sources(), fal.list_tests(), fal.list_features(),
    )  # fmt: skip


def test_what_is_listed_is_of_fals_classes(fal):
    assert {type(each) for each in fal.models} == {DbtModel}
    assert {type(each) for each in fal.sources} == {DbtSource}
    assert {type(each) for each in fal.tests} == {DbtGenericTest}
    assert all(isinstance(test, DbtTest) for model in fal.models for test in model.tests)
    assert isinstance(fal.context_of("orders").current_model, CurrentModel)


def test_context_target_and_variables(fal, shop, monkeypatch):
    assert fal.context_of("orders").current_model.name == "orders"
    assert fal.context.current_model is None
    assert (fal.target.name, fal.target.type, fal.target.schema) == ("dev", "duckdb", "main")
    assert fal.project_name == "shop"
    assert fal.target_path == str(shop / "target")
    assert fal.var("discount") == 5
    assert fal.var("nothing", 7) == 7
    monkeypatch.setenv("OF_THIS_TEST", "yes")
    assert fal.env_var("OF_THIS_TEST") == "yes"
    assert fal.env_var("NOT_OF_THIS_TEST", "no") == "no"
    with pytest.raises(FalError, match="no var 'nothing'"):
        fal.var("nothing")


def test_hooks_of_the_project_do_not_run(fal, shop, elsewhere):
    fal.ref("orders")
    assert elsewhere(
        shop, "select count(*) from information_schema.tables where table_name = 'started'"
    ) == [(0,)]
    assert not (shop / "target" / "run_results.json").exists()
