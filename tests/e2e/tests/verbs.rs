//! dbt's verbs beside `run`: `build`, `test`, `seed`, `snapshot`, `retry`.

use fal_e2e::{Ended, Project, python};
use rustix::process::Signal;
use serde_json::json;

/// One row more than there are orders, and one order unknown.
const BROKEN: &str = "orders = ref('orders')\norders.loc[0, 'id'] = 9\nwrite_to_model(orders)\n";

/// Fails unless each of these lines was said, in this order.
#[track_caller]
fn in_order(ended: &Ended, lines: &[&str]) {
    let place = |line: &str| {
        ended
            .stdout
            .find(line)
            .unwrap_or_else(|| panic!("{line:?} was not said\n{ended}"))
    };
    let places: Vec<usize> = lines.iter().map(|line| place(line)).collect();
    assert!(places.is_sorted(), "{lines:?} {places:?}\n{ended}");
}

/// Whether this is dbt 1.8, which knows no microbatch models.
fn has_no_batches() -> bool {
    let version = "import json\nfrom importlib.metadata import version\nprint(json.dumps(version('dbt-core')))";
    python(version, &[])
        .as_str()
        .is_some_and(|version| version.starts_with("1.8."))
}

/// The project without what plain dbt does not know.
fn of_sql() -> Project {
    let project = Project::copy_of("verbs");
    project
        .remove("models/forecast.py")
        .remove("models/notes.ipynb");
    project.write(
        "models/forecast.sql",
        "select id + 1 as id, amount from {{ ref('orders') }}",
    );
    project.write("models/notes.sql", "select * from {{ ref('orders') }}");
    project
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn build_runs_everything_in_order_and_a_failing_test_of_a_python_model_stops_its_children_alone() {
    let project = Project::copy_of("verbs");
    project.write("models/forecast.py", BROKEN);
    let ended = project.run("build --store-failures");
    ended.expect(1);
    assert_eq!(
        project.statuses(),
        "fail: known ordered; pass: not_null_orders_id orders.doubled \
         unique_forecast_id unique_notes_id unique_raw_id; skipped: below_forecast; \
         success: below_notes forecast history notes orders past raw; warn: short",
        "{ended}"
    );
    in_order(
        &ended,
        &[
            "OK loaded seed file main.raw",
            "START snapshot main.history",
            "START sql table model main.past",
        ],
    );
    in_order(
        &ended,
        &[
            "PASS unique_raw_id",
            "START unit_test orders::doubled",
            "PASS orders::doubled",
            "model main.orders",
        ],
    );
    in_order(
        &ended,
        &[
            "PASS not_null_orders_id",
            "START notebook table model main.notes",
            "WARN 2 short",
        ],
    );
    in_order(
        &ended,
        &["START test short", "START sql table model main.below_notes"],
    );
    in_order(
        &ended,
        &[
            "OK created python table model main.forecast",
            "START test known",
            "FAIL 1 known",
            "SKIP relation main.below_forecast",
        ],
    );
    project.statuses_for_dbt();
    ended
        .says("tell.py (post-hook of raw) | saw raw success")
        .says("tell.py (after orders) | saw orders success");
    ended
        .says("Got 1 result, configured to fail if != 0")
        .says("Done. PASS=14 WARN=1 ERROR=2 SKIP=1 NO-OP=0 TOTAL=18");
    assert_eq!(
        project.query("from main_dbt_test__audit.known"),
        json!([[9]]),
        "failures are stored"
    );

    // Scripts that ended well do not run again, nor does the model: only its tests failed.
    project.write(
        "tests/known.sql",
        "select id from {{ ref('forecast') }} where id > 9",
    );
    project.write(
        "tests/ordered.sql",
        "select id from {{ ref('forecast') }} where id not in (2, 3, 9)",
    );
    let ended = project.run("retry");
    ended
        .expect(0)
        .never_says("saw")
        .says("Done. PASS=3 WARN=0 ERROR=0 SKIP=0 NO-OP=0 TOTAL=3");
    assert_eq!(
        project.statuses(),
        "pass: known ordered; success: below_forecast"
    );
    let flags = project.json("target/run_results.json")["args"].clone();
    assert_eq!(
        (&flags["which"], &flags["store_failures"]),
        (&json!("build"), &json!(true))
    );
    project
        .run_host("retry")
        .expect(0)
        .says("Nothing to retry: all of the last `build` ended well");
    project.nothing_is_left();
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn retry_goes_on_after_an_interruption_with_the_same_variables_and_with_scripts() {
    let project = Project::copy_of("verbs");
    let sleeping = "import time\nprint('asleep', flush=True)\ntime.sleep(600)\nwrite_to_model(ref('orders'))\n";
    project.write("models/forecast.py", sleeping);
    project.write(
        "models/below_notes.sql",
        "select {{ var('day') }} as day from {{ ref('notes') }} limit 1",
    );
    project.write(
        "py/tell.py",
        "if context.current_model.name == 'orders':\n    raise ValueError('not now')\n",
    );
    let ended = project.run("build --exclude below_notes --vars '{day: 31}'");
    ended
        .expect(1)
        .says("ERROR script tell.py (after orders)")
        .never_says("asleep");
    let statuses = project.statuses();
    let of = |status: &str| {
        statuses
            .split("; ")
            .find_map(|group| group.strip_prefix(status))
    };
    assert!(
        of("pass: ")
            .unwrap()
            .split(' ')
            .any(|name| name == "not_null_orders_id"),
        "tests do not wait for after-scripts\n{ended}"
    );
    assert_eq!(
        of("skipped: "),
        Some(
            "below_forecast forecast known notes ordered short unique_forecast_id unique_notes_id"
        )
    );

    project.write("py/tell.py", "print('saw', context.current_model.name)\n");
    let mut running = project.start("retry");
    running
        .wait_for("forecast | asleep")
        .wait_for("OK created notebook table model main.notes");
    running
        .wait_for("PASS unique_notes_id")
        .wait_for("WARN 2 short");
    running.signal(Signal::INT);
    running.wait().expect(130).says("saw orders");
    assert_eq!(
        project.statuses(),
        "error: forecast; pass: unique_notes_id; skipped: below_forecast known \
         ordered unique_forecast_id; success: notes; warn: short"
    );

    project.write("models/forecast.py", "write_to_model(ref('orders'))");
    let ended = project.run("retry");
    ended.expect(0).never_says("saw");
    assert_eq!(
        project.statuses(),
        "pass: known ordered unique_forecast_id; success: below_forecast forecast"
    );
    assert_eq!(
        project.json("target/run_results.json")["args"]["vars"],
        json!({"day": 31})
    );
    project.nothing_is_left();
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn statuses_of_build_are_those_of_dbt_and_retry_takes_up_what_dbt_left() {
    let (ours, dbts) = (of_sql(), of_sql());
    ours.run("build").expect(1);
    dbts.dbt("build").expect(1);
    assert_eq!(ours.statuses(), dbts.statuses());
    let lines = ours.results();
    for line in [
        "known fail",
        "ordered fail",
        "below_forecast skipped",
        "short warn",
        "below_notes success",
    ] {
        assert!(lines.contains(&line.to_owned()), "{line}: {lines:?}");
    }
    dbts.write(
        "tests/known.sql",
        "select id from {{ ref('forecast') }} where id > 4",
    );
    dbts.run("retry").expect(1);
    assert_eq!(
        dbts.statuses(),
        "fail: ordered; pass: known; skipped: below_forecast"
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn seed_snapshot_and_test_run_their_kinds_alone() {
    let project = Project::copy_of("verbs");
    project
        .run("seed")
        .expect(0)
        .says("TOTAL=2")
        .says("tell.py (post-hook of raw)")
        .says("seeded.py (after raw) |");
    project
        .run("snapshot")
        .expect(0)
        .says("TOTAL=1")
        .never_says("saw");
    project.write("seeds/raw.csv", "id,amount,place\n1,10,a\n2,25,b\n");
    let ended = project.run("seed --full-refresh --show --select raw+");
    ended
        .expect(0)
        .says("Random sample of table: main.raw")
        .says("|  2 |     25 | b     |")
        .says("TOTAL=2");
    project.run("snapshot").expect(0);
    let history =
        "select id, amount, dbt_valid_to is null from history order by id, dbt_valid_from";
    assert_eq!(
        project.query(history),
        json!([[1, 10, true], [2, 20, false], [2, 25, true], [3, 30, true]])
    );

    let unit = "unit_tests: [{name: more, model: forecast, given: [{input: ref('orders'), rows: [{id: 1, amount: 4}]}], expect: {rows: [{amount: 5, id: 1}]}}]";
    project.write("models/unit.yml", unit);
    project
        .run("test --select more")
        .expect(0)
        .says("PASS forecast::more")
        .says("TOTAL=1");
    project.remove("models/unit.yml");

    // What the tests of the other models read is not there: only these two run.
    let ended = project.run("test --select raw doubled");
    ended.expect(0).never_says("saw");
    assert_eq!(project.statuses(), "pass: orders.doubled unique_raw_id");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn retry_knows_that_the_last_command_ended_before_it_ran_anything() {
    let project = Project::bare();
    project
        .write("models/a.sql", "select 1 as x")
        .write("models/b.py", "write_to_model(ref('a'))\n");
    project.run("run").expect(0);
    project
        .run("retry")
        .expect(0)
        .says("Nothing to retry: all of the last `run` ended well");
    for (file, broken) in [
        ("models/c.sql", "select * from {{ ref('nowhere') }}"),
        ("models/c.py", "write_to_model(ref('a')"),
    ] {
        project.write(file, broken);
        project.run("run").expect(2);
        project.remove(file);
        let ended = project.run("retry");
        ended
            .expect(2)
            .says("the last command ended before it had results")
            .never_says("ended well");
    }
    // What an earlier command left is tried again, as with dbt.
    project.write("models/b.py", "write_to_model(ref('a')[['y']])\n");
    project.run("run").expect(1);
    project.write("models/c.sql", "select * from {{ ref('nowhere') }}");
    project.run("build").expect(2);
    project
        .remove("models/c.sql")
        .write("models/b.py", "write_to_model(ref('a'))\n");
    project
        .run("retry")
        .expect(0)
        .says("trying again what the `run` before it left")
        .says("Done. PASS=1");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn retry_runs_only_the_batches_that_failed() {
    let project = Project::bare();
    let days = "select unnest([timestamp '2024-01-01', timestamp '2024-01-02']) as ts";
    project.write(
        "models/days.sql",
        format!("{{{{ config(materialized='table', event_time='ts') }}}} {days}"),
    );
    let batched = |second: &str| {
        let config = "materialized='incremental', incremental_strategy='microbatch', event_time='ts', batch_size='day'";
        let day = "model.batch and model.batch.event_time_start.day == 2";
        format!(
            "{{{{ config({config}, begin='2024-01-01') }}}} select ts, {{% if {day} %}} {second} {{% else %}} \
             {{{{ var('n', 1) }}}} {{% endif %}} as n from {{{{ ref('days') }}}}"
        )
    };
    project.write("models/batched.sql", batched("no_such_column"));
    let ended = project.run("build --event-time-start 2024-01-01 --event-time-end 2024-01-03");
    if has_no_batches() {
        ended.expect(2).says("No such option '--event-time-start'");
        return;
    }
    // dbt's own result only counts the batches.
    ended
        .expect(1)
        .says("PARTIAL SUCCESS (1/2)")
        .says("batch 2 of 2 (2024-01-02):")
        .says("\"no_such_column\" not found");
    assert_eq!(
        project.statuses_for_dbt(),
        "partial success: batched; success: days"
    );
    let log = project.read("target/fal/events.jsonl");
    let of_batches = log
        .lines()
        .find(|line| line.contains("PARTIAL SUCCESS"))
        .unwrap_or_default();
    assert!(of_batches.contains("no_such_column"), "{of_batches}");
    project.write("models/batched.sql", batched("5"));
    project.run("retry --vars '{n: 7}'").expect(0);
    assert_eq!(
        project.query("select n from batched order by ts"),
        json!([[1], [5]]),
        "the first batch is as it was"
    );
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_starts() {
    let project = Project::copy_of("verbs");
    project
        .run_host("retry")
        .expect(2)
        .says("there is no run to try again");
    let docs = json!({"args": {"which": "generate"}, "results": []});
    project.write("target/run_results.json", docs.to_string());
    project
        .run_host("retry")
        .expect(2)
        .says("the last command was `dbt generate`, which cannot be tried again here");
    project.write("target/run_results.json", "{");
    project
        .run_host("retry")
        .expect(2)
        .says("run_results.json` cannot be read");
    project
        .run_host("build --resource-type source")
        .expect(2)
        .says("`fal-host build` runs nothing of type `source`");
    project
        .run_host("test --resource-type tset")
        .expect(2)
        .says("did you mean 'test'?");
}
