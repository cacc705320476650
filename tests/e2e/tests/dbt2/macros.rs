//! SQL of Python models with names that only dbt knows, on every engine.

use fal_e2e::Project;
use serde_json::json;

use super::Engine::{Commands, Dbt2, Inside};

const MACROS: &str = "
{% macro twice(x) %}({{ x }} * 2){% endmacro %}
{% macro count_of(table) %}
  {% set rows = run_query('select count(*) from ' ~ table) %}
  {{ rows.columns[0].values()[0] if execute else 0 }}
{% endmacro %}
";
const READS: &str = "
half = ref('half')
sums = execute_sql(\"select sum({{ twice('amount') }}) as s, {{ count_of(ref('a')) }} as n from {{ ref('a') }}\")
# Its own table, of the run before.
own = execute_sql(\"select '{{ this.identifier }}' as name, {{ twice(1) }} as two\")
half['s'], half['n'], half['own'] = int(sums['s'][0]), int(sums['n'][0]), own['name'][0]
write_to_model(half)
";

/// `reads` is the code of a model that reads `a` and `half`.
fn project(reads: &str) -> Project {
    let project = Project::bare();
    let hook = "on-run-end: [\"create table if not exists {{ target.schema }}.heard as select 1 as n where false\", \"insert into {{ target.schema }}.heard select 1\"]";
    for (path, text) in [
        (
            "dbt_project.yml",
            &*format!("name: shop\nprofile: shop\nmodels: {{+materialized: table}}\n{hook}\n"),
        ),
        ("macros/m.sql", MACROS),
        (
            "models/a.sql",
            "select 1 as id, 10 as amount union all select 2, 20",
        ),
        (
            "models/half.sql",
            "{{ config(materialized='ephemeral') }} select id, {{ twice('amount') }} / 4 as half from {{ ref('a') }}",
        ),
        ("models/reads.py", reads),
        // Beside it, on another thread.
        ("models/beside.py", "write_to_model(ref('a'))"),
        ("models/below.sql", "select * from {{ ref('reads') }}"),
    ] {
        project.write(path, text);
    }
    project
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn macros_of_the_project_work_in_sql_of_python_models() {
    let of = |engine, on_postgres| (engine, on_postgres, project(READS));
    for (engine, on_postgres, project) in [
        of(Inside, false),
        of(Commands, false),
        of(Commands, true),
        of(Dbt2, false),
    ] {
        let project = if on_postgres {
            project.on_postgres()
        } else {
            project
        };
        project
            .finish(engine.host(&project, "run --threads 2"))
            .expect(0);
        let query = "select id, half::int, s, n, own from main.below order by id";
        let expected = json!([[1, 5, 60, 2, "reads"], [2, 10, 60, 2, "reads"]]);
        assert_eq!(project.query(query), expected, "{engine:?} {on_postgres}");
        // What dbt compiled for the model ran no hooks, and is in no artifact.
        let hooks = project.query("select count(*) from main.heard");
        assert_eq!(hooks, json!([[1]]), "{engine:?}");
        assert_eq!(project.statuses().matches("reads").count(), 1);
        project.nothing_is_left();
    }
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn dbt_says_what_is_wrong_with_a_macro() {
    for engine in [Commands, Dbt2] {
        let project = project(
            "ref('a'), ref('half')\nwrite_to_model(execute_sql(\"select {{ thrice(1) }}\"))",
        );
        let ended = project.finish(engine.host(&project, "run --select +reads"));
        ended.expect(1).says("thrice");
        assert!(
            project.message("reads").contains("SQL of model.shop.reads"),
            "{}",
            project.message("reads")
        );
        let project = self::project(
            "write_to_model(ref('half'))\nexecute_sql(\"select {{ twice(1) }} from {{ ref('a') }}\")",
        );
        project
            .finish(engine.host(&project, "run --select +reads"))
            .expect(1)
            .says("Call execute_sql before write_to_model");
    }
}
