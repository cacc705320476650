from . import note

model = context.current_model
response = model.adapter_response
note.note(
    context,
    "reads",
    refs=[len(ref("orders")), len(ref("shop", "orders")), int(ref("renamed").x[0]), int(ref("dim", version=2).v[0])],
    source=len(source("files", "people")),
    sql=execute_sql(
        "select {{ twice(4) }} as a, '{{ var('colour') }}' as b, '{{ target.name }}' as c, "
        "'{{ env_var('HOME') }}' != '' as d, count(*) as n from {{ this }} join {{ source('files', 'people') }} using (id)",
        as_="arrow",
    ).to_pylist(),
    names=[this, target.name, target.type, var("colour"), var("size"), var("none", 0), env_var("HOME") != ""] == [
        str(this), "dev", "duckdb", "red", 3, 0, True
    ],
    model=[model.name, model.alias, model.status, model.meta, model["columns"]["amount"].description],
    tests=sorted([test.name, test.model_name, test.column, test.status] for test in model.tests),
    response=response and [response.message != "", "code" in response, "rows_affected" in response],
    arguments=hasattr(context, "arguments"),
    models={one.name: [one.alias, one.status] for one in list_models() if one.name in ("orders", "below", "renamed")},
    ids=list_models_ids()["model.shop.orders"],
    sources=sorted([one.name, one.table_name, [test.name for test in one.tests]] for one in list_sources()),
    all_tests=sorted([test.name, test.model_name, test.column, test.status] for test in list_tests()),
    features=list_features(),
)
