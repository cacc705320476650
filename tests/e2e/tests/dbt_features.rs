//! Settings of the user's dbt project that also count for Python models: unit tests, schemas.

use fal_e2e::Project;
use serde_json::json;

const UNIT_TESTS: &str = r#"unit_tests:
  - name: right
    model: top
    given: [{input: ref('amounts'), rows: [{id: 7, amount: 20}, {id: 8, amount: 1}]}]
    expect: {rows: [{id: 7}]}
  - name: wrong
    model: top
    given: [{input: ref('amounts'), rows: [{id: 7, amount: 20}]}]
    expect: {rows: [{id: 1}]}
  - name: right_ephemeral
    model: doubled
    given: [{input: ref('amounts'), rows: [{id: 7, amount: 20}]}]
    expect: {rows: [{id: 7, amount: 40}]}
  - name: wrong_ephemeral
    model: doubled
    given: [{input: ref('amounts'), rows: [{id: 7, amount: 20}]}]
    expect: {rows: [{id: 1, amount: 100}, {id: 2, amount: 10}]}
  - name: right_below_ephemeral
    model: below
    given:
      - {input: ref('doubled'), format: sql, rows: "select 7 as id, 40 as amount"}
      - {input: ref('amounts'), rows: [{id: 7, amount: 20}]}
    expect: {rows: [{id: 7, amount: 60}]}
  - name: wrong_below_ephemeral
    model: below
    given:
      - {input: ref('doubled'), format: sql, rows: "select 7 as id, 40 as amount"}
      - {input: ref('amounts'), rows: []}
    expect: {rows: [{id: 1, amount: 150}, {id: 2, amount: 15}]}
"#;

/// SQL models over a script, whose rows are other ones than those of any unit test.
fn with_unit_tests() -> Project {
    let project = Project::bare();
    project
        .write(
            "models/amounts.py",
            "import pandas as pd\n\nwrite_to_model(pd.DataFrame({'id': [1, 2], 'amount': [50, 5]}))\n",
        )
        .write("models/top.sql", "select id from {{ ref('amounts') }} where amount > 10")
        .write(
            "models/doubled.sql",
            "{{ config(materialized='ephemeral') }} select id, amount * 2 as amount from {{ ref('amounts') }}",
        )
        .write(
            "models/below.sql",
            "select d.id, d.amount + a.amount as amount from (select * from {{ ref('doubled') }}) as d \
             join (select * from {{ ref('amounts') }}) as a on a.id = d.id",
        )
        .write("models/unit_tests.yml", UNIT_TESTS);
    project
}

fn unit_tests_of_sql_models_read_the_given_rows_of_python_models(project: &Project) {
    project.run("run").expect(0);
    let ended = project.run("test");
    ended.expect(1);
    assert_eq!(
        project.statuses_for_dbt(),
        "fail: below.wrong_below_ephemeral doubled.wrong_ephemeral top.wrong; pass: \
         below.right_below_ephemeral doubled.right_ephemeral top.right",
        "{ended}"
    );
    let build = "build --exclude wrong wrong_ephemeral wrong_below_ephemeral";
    project.run(build).expect(0);
    project.run(format!("{build} --empty")).expect(0);
    let passed = project
        .results()
        .iter()
        .filter(|line| line.ends_with(" pass"))
        .count();
    assert_eq!(passed, 3);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn unit_tests_of_sql_models_read_the_given_rows_of_python_models_on_duckdb() {
    unit_tests_of_sql_models_read_the_given_rows_of_python_models(&with_unit_tests());
}

#[test]
#[ignore = "needs dbt and PostgreSQL: cargo xtask test"]
fn unit_tests_of_sql_models_read_the_given_rows_of_python_models_on_postgres() {
    unit_tests_of_sql_models_read_the_given_rows_of_python_models(&with_unit_tests().on_postgres());
}

#[test]
#[ignore = "needs dbt and PostgreSQL: cargo xtask test"]
fn a_view_over_a_python_model_in_another_schema_lasts() {
    let project = Project::bare().on_postgres();
    project
        .write(
            "models/numbers.py",
            "import pandas as pd\n\nwrite_to_model(pd.DataFrame({'id': [1]}))\n",
        )
        .write(
            "models/seen.sql",
            "{{ config(materialized='view') }} select * from {{ ref('numbers') }}",
        )
        .write(
            "models/far.sql",
            "{{ config(materialized='view', schema='far') }} select * from {{ ref('near') }}",
        )
        .write(
            "models/near.py",
            "import pandas as pd\n\nwrite_to_model(pd.DataFrame({'id': [2]}))\n",
        )
        .write(
            "models/models.yml",
            "models: [{name: numbers, config: {schema: marts}}]",
        );
    for _ in 0..3 {
        project.run("run").expect(0);
        assert_eq!(
            project.query(
                "select (select id from main.seen) as a, (select id from main_far.far) as b"
            ),
            json!([[1, 2]])
        );
    }
    // Only the Python model runs: its views are there again once they run.
    project.run("run --select numbers").expect(0);
    project.run("run --select seen").expect(0);
    // With a cache of the selected schemas alone.
    project.write(
        "dbt_project.yml",
        project.read("dbt_project.yml") + "flags: {cache_selected_only: true}\n",
    );
    for _ in 0..2 {
        project.run("run").expect(0);
    }
}

/// A macro as packages have it that send reads to another schema, without `**kwargs`.
const REF: &str = "{% macro ref(model_name) %}
  {% set found = builtins.ref(model_name) %}
  {% do return(found.replace_path(schema='main_far') if model_name == 'near' else found) %}
{% endmacro %}
{% macro source(source_name, table_name) %}
  {% do return(builtins.source(source_name, table_name).replace_path(schema='main_far')) %}
{% endmacro %}
";

fn a_ref_macro_counts_for_all_kinds_of_models(project: &Project) {
    let native = "def model(dbt, session):
    dbt.config(materialized='table')
    near = dbt.ref('near', as_='pandas', columns=['word'])
    far = dbt.source('raw', 'near')
    near['more'] = (far.df() if hasattr(far, 'df') else far)['word']
    return near
";
    let script = "near = ref('near', columns=['word'])
near['more'] = source('raw', 'near')['word']
write_to_model(near)
";
    project
        .write("macros/ref.sql", REF)
        .write("models/near.sql", "select 'near' as word")
        .write("models/far.sql", "{{ config(schema='far', alias='near') }} select 'far' as word")
        .write("models/sources.yml", "sources: [{name: raw, schema: main, tables: [{name: near}]}]")
        .write(
            "models/by_sql.sql",
            "select word, (select word from {{ source('raw', 'near') }}) as more from {{ ref('near') }}",
        )
        .write("models/by_native.py", native)
        .write("models/by_script.py", script)
        .write("models/models.yml", "models: [{name: by_sql, meta: {fal: {post-hook: [hook.py]}}}]")
        .write("hook.py", "print('hook reads', ref('near')['word'][0], source('raw', 'near')['word'][0])\n");
    project.run("run --select near far").expect(0);
    project.run("run").expect(0).says("hook reads far far");
    for table in ["by_sql", "by_native", "by_script"] {
        assert_eq!(
            project.query(&format!("select word, more from main.{table}")),
            json!([["far", "far"]]),
            "{table}"
        );
    }
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_ref_macro_counts_for_all_kinds_of_models_on_duckdb() {
    a_ref_macro_counts_for_all_kinds_of_models(&Project::bare());
}

#[test]
#[ignore = "needs dbt and PostgreSQL: cargo xtask test"]
fn a_ref_macro_counts_for_all_kinds_of_models_on_postgres() {
    a_ref_macro_counts_for_all_kinds_of_models(&Project::bare().on_postgres());
}

fn a_native_model_over_an_ephemeral_model_is_refused_in_words(project: &Project) {
    let native = "

def model(dbt, session):
    dbt.config(materialized='table')
    return dbt.ref('part')
";
    project
        .write(
            "models/part.sql",
            "{{ config(materialized='ephemeral') }} select 1 as id",
        )
        .write(
            "models/script.py",
            "import pandas as pd\n\nwrite_to_model(ref('part'))\n",
        )
        .write("models/native.py", native);
    let ended = project.run("run");
    ended
        .expect(1)
        .says("the model `part` that it reads (models/part.sql) is ephemeral")
        .says("Materialize `part` as view or table")
        .never_says("SyntaxError");
    assert_eq!(
        project.statuses(),
        "error: native; success: script",
        "{ended}"
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_native_model_over_an_ephemeral_model_is_refused_in_words_on_duckdb() {
    a_native_model_over_an_ephemeral_model_is_refused_in_words(&Project::bare());
}

#[test]
#[ignore = "needs dbt and PostgreSQL: cargo xtask test"]
fn a_native_model_over_an_ephemeral_model_is_refused_in_words_on_postgres() {
    a_native_model_over_an_ephemeral_model_is_refused_in_words(&Project::bare().on_postgres());
}

fn a_sql_hook_that_fails_is_named(project: &Project) {
    let native = "def model(dbt, session):
    dbt.config(materialized='table')
    return dbt.ref('seen')
";
    project
        .write("models/seen.sql", "select 1 as id")
        .write("models/native.py", native)
        .write("models/script.py", "write_to_model(ref('seen'))\n")
        .write("models/ahead.py", "write_to_model(ref('seen'))\n")
        .write(
            "models/plain.sql",
            "{{ config(post_hook='select no_such_column from {{ ref(\"seen\") }}') }} select 1 as id",
        )
        .write(
            "models/models.yml",
            "models:
  - {name: native, config: {post_hook: 'alter table {{ this }} add column id int'}}
  - {name: script, config: {post_hook: 'select no_such_column from {{ this }}'}}
  - {name: ahead, config: {pre-hook: {sql: 'select no_such_column', transaction: false}}}
",
        );
    let ended = project.run("run");
    ended.expect(1);
    for (model, said) in [
        (
            "native",
            "The post-hook failed: alter table {{ this }} add column id int",
        ),
        (
            "script",
            "The post-hook failed: select no_such_column from {{ this }}",
        ),
        ("plain", "The post-hook failed: select no_such_column from"),
        ("ahead", "The pre-hook failed: select no_such_column"),
    ] {
        let message = project.message(model);
        assert!(message.contains(said), "{model}: {message}");
    }
    ended
        .says("The post-hook failed: alter table")
        .says("The pre-hook failed: select no_such_column");
    let results = project.results();
    assert_eq!(
        results,
        [
            "ahead error",
            "native error",
            "plain error",
            "script error",
            "seen success"
        ],
        "{ended}"
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_sql_hook_that_fails_is_named_on_duckdb() {
    a_sql_hook_that_fails_is_named(&Project::bare());
}

#[test]
#[ignore = "needs dbt and PostgreSQL: cargo xtask test"]
fn a_sql_hook_that_fails_is_named_on_postgres() {
    a_sql_hook_that_fails_is_named(&Project::bare().on_postgres());
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_profile_of_fals_adapter_is_an_error_with_the_way_out() {
    let project = Project::bare();
    let profile = "shop:
  target: with_fal
  outputs:
    with_fal: {type: fal, db_profile: dev}
    dev: {type: duckdb, path: shop.duckdb}
";
    project
        .write("profiles.yml", profile)
        .write("models/a.sql", "select 1 as x");
    project
        .run("run")
        .expect(2)
        .says("set `target:` in profiles.yml to the output that its `db_profile` names");
    project.run("run --target dev").expect(0);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_project_without_models_reads_and_writes() {
    let script = "import pandas as pd
print('freshness', [source.freshness for source in list_sources()])
write_to_source(pd.DataFrame({'a': [1, 2]}), 'raw', 't', mode='overwrite')
print('rows', len(source('raw', 't')), execute_sql('select 5 as x')['x'][0])
";
    let project = Project::bare();
    project.write("load.py", script).write(
        "models/sources.yml",
        "sources: [{name: raw, schema: main, tables: [{name: t}]}]\nfal: {scripts: {before: [load.py]}}",
    );
    project
        .run("hooks --before")
        .expect(0)
        .says("freshness [None]")
        .says("rows 2 5");
}
