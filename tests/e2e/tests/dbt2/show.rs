//! `show`: rows of Python models, which run without writing.

use fal_e2e::Project;
use serde_json::{Value, json};

use super::{
    Engine,
    Engine::{Commands, Dbt2, Inside},
};

/// The fixture with more models, some of which `show` must stop or survive.
fn project() -> Project {
    let project = Project::copy_of("shop");
    project
        .write(
            "models/writes.py",
            "execute_sql('create table main.written as select 1 as id')\nwrite_to_model(ref('totals'))\n",
        )
        .write(
            "models/source.py",
            "write_to_source(ref('totals'), 'raw', 'raw_orders')\nwrite_to_model(ref('totals'))\n",
        )
        .write(
            "models/fails.py",
            "write_to_model(ref('totals')['nothing'])\n",
        )
        .write(
            "models/late.py",
            "write_to_model(ref('totals'))\nref('totals')\nref(context.current_model.name)\n",
        )
        .write(
            "models/added.py",
            "from decimal import Decimal\nimport pandas as pd\n\
            write_to_model(pd.DataFrame({'day': pd.to_datetime(['2024-01-02', None]), 'x': [1.5, float('nan')], \
            'n': [Decimal('1.25'), Decimal('2.00')], 'texts': [['a'], []], 'yes': [True, None]}), mode='append')\n",
        )
        .write(
            "models/more.yml",
            "models:\n  - name: added\n    config:\n      materialized: incremental\n      schema: other\n      \
            pre_hook: create table main.hooked as select 1 as id\n",
        );
    project
}

fn run(engine: Engine, project: &Project, words: &str) -> fal_e2e::Ended {
    project.finish(engine.host(project, words))
}

/// The output of `show --output json`: an object for each model.
fn shown(engine: Engine, project: &Project, words: &str) -> Vec<Value> {
    let ended = run(engine, project, &format!("-q show {words} --output json"));
    let values = serde_json::Deserializer::from_str(&ended.expect(0).stdout).into_iter();
    values.map(Result::unwrap).collect()
}

/// All relations and schemas of the database, and the rows that must stay as they are.
fn warehouse(project: &Project) -> Value {
    let names = project.query(
        "select table_schema, table_name from information_schema.tables union all select schema_name, '' from information_schema.schemata order by all",
    );
    json!([names, project.query("select * from main.totals order by 1")])
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn python_models_run_without_writing_and_their_rows_are_shown() {
    for engine in [Inside, Commands, Dbt2] {
        let project = project();
        run(engine, &project, "seed").expect(0);
        run(engine, &project, "run --select stg_orders totals ranks").expect(0);
        let (before, results) = (warehouse(&project), project.read("target/run_results.json"));
        let events = project.read("target/fal/events.jsonl");

        // A script in a changed version, a notebook, and a model of dbt's own kind.
        project.write(
            "models/totals.py",
            project
                .read("models/totals.py")
                .replace("int(var('factor'))", "1000"),
        );
        let rows = shown(engine, &project, "--select totals --limit 1");
        let row = json!({"customer": "ann", "amount": 15, "scaled": 15000});
        assert_eq!(
            rows,
            [json!({"node": "totals", "show": [row]})],
            "{engine:?}"
        );
        let rows = shown(engine, &project, "--select ranks doubled --limit -1");
        let counts: Vec<_> = rows
            .iter()
            .map(|shown| json!([shown["node"], shown["show"].as_array().unwrap().len()]))
            .collect();
        assert_eq!(
            counts,
            [json!(["doubled", 3]), json!(["ranks", 3])],
            "{engine:?}"
        );
        let rows = shown(engine, &project, "--select added");
        assert_eq!(
            rows[0]["show"],
            json!([
                {"day": "2024-01-02T00:00:00", "x": 1.5, "n": 1.25, "texts": ["a"], "yes": true},
                {"day": null, "x": null, "n": 2, "texts": [], "yes": null},
            ]),
            "{engine:?}"
        );
        let table = run(engine, &project, "show --select +totals --limit 2");
        table.expect(0).says(
            "Previewing node 'totals':\n\
            | customer | amount | scaled |\n\
            | -------- | ------ | ------ |\n\
            | ann      |     15 |  15000 |\n\
            | bob      |     20 |  20000 |\n",
        );
        table.never_says("cid").never_says("stg_orders'");

        // What fails says why, as in a run.
        run(engine, &project, "show --select fails")
            .expect(1)
            .says("Failure in model fails (models/fails.py)")
            .says("KeyError: 'nothing'");
        run(engine, &project, "show --select writes").expect(1);
        run(engine, &project, "show --select source")
            .expect(1)
            .says("`show` writes nothing, and model.shop.source calls write_to_source");
        run(engine, &project, "show --select late")
            .expect(1)
            .says("reads its own table after its write, and `show` makes no table");

        assert_eq!(warehouse(&project), before, "{engine:?}");
        assert_eq!(
            project.read("target/run_results.json"),
            results,
            "{engine:?}"
        );
        assert_eq!(
            project.read("target/fal/events.jsonl"),
            events,
            "{engine:?}"
        );
        project.nothing_is_left();
    }
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn dbt_shows_what_is_no_python_model() {
    for engine in [Inside, Dbt2] {
        let project = Project::copy_of("shop");
        run(engine, &project, "seed").expect(0);
        run(engine, &project, "run").expect(0);
        let rows = run(engine, &project, "show --select report --limit 1");
        rows.expect(0).says("doubled").never_says("3 customers");
        let both = run(engine, &project, "show --select totals report --limit 2");
        both.expect(0)
            .says("Previewing node 'totals':")
            .says("doubled");
        run(
            engine,
            &project,
            "show --inline \"select sum(amount) as amounts from {{ ref('stg_orders') }}\"",
        )
        .expect(0)
        .says("amounts")
        .never_says("3 customers");
        project.nothing_is_left();
    }
}

#[test]
#[ignore = "needs dbt and PostgreSQL: cargo xtask test"]
fn nothing_is_written_on_postgres() {
    for engine in [Inside, Commands] {
        let project = project().on_postgres();
        run(engine, &project, "seed").expect(0);
        run(engine, &project, "run --select stg_orders totals").expect(0);
        let tables = "select table_name from information_schema.tables where table_schema like current_schema || '%' order by 1";
        let before = project.query(tables);
        let rows = shown(engine, &project, "--select ranks added --limit 1");
        assert_eq!(rows[1]["show"][0]["customer"], "ann", "{engine:?}");
        run(engine, &project, "show --select writes")
            .expect(1)
            .says("read-only transaction");
        assert_eq!(project.query(tables), before, "{engine:?}");
    }
}
