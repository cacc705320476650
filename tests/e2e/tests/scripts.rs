//! Scripts before and after models, as nodes of a run.

use fal_e2e::Project;
use serde_json::json;

use crate::both_warehouses::{SCRIPTS, assert_same_on_postgres};

/// What ran, in order: each script of the fixture writes its name, its model and the model's status.
pub(crate) fn journal(project: &Project) -> Vec<String> {
    if !project.has("journal.txt") {
        return Vec::new();
    }
    let journal = project
        .read("journal.txt")
        .lines()
        .map(str::to_owned)
        .collect();
    project.remove("journal.txt");
    journal
}

/// Fails unless the journal has these lines in this order.
#[track_caller]
fn assert_order(journal: &[String], lines: &[&str]) {
    let at = |line: &str| {
        journal
            .iter()
            .position(|other| other == line)
            .unwrap_or_else(|| panic!("{line:?} is not in {journal:#?}"))
    };
    for pair in lines.windows(2) {
        assert!(at(pair[0]) < at(pair[1]), "{pair:?} in {journal:#?}");
    }
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn scripts_and_hooks_run_around_their_models_and_global_scripts_do_not() {
    let project = Project::copy_of("scripts");
    let ended = project.run("flow run --threads 4");
    ended.expect(0);
    let journal = journal(&project);
    assert_eq!(journal.len(), 13, "{journal:#?}");
    // Along one branch: parents with all that is theirs, before-scripts in their order, pre-hook, model, post-hook.
    let raw = ["log.py raw success", "tell.py raw success"];
    let orders = [
        "load.py orders skipped",
        "more.py orders skipped",
        "check.py orders skipped",
        "log.py orders success",
    ];
    let behind = ["tell.py orders success", "last.py orders success"];
    let report = [
        "load.py report skipped",
        "check.py report skipped",
        "log.py report success",
    ];
    assert_order(&journal, &[&raw[..], &orders, &behind, &report].concat());
    assert_order(
        &journal,
        &[
            &raw[..],
            &["load.py customers skipped", "last.py customers success"],
        ]
        .concat(),
    );
    assert_eq!(project.query("from \"end\""), json!([[1, "one"]]));
    assert_eq!(
        project.statuses_for_dbt(),
        "success: customers end orders raw report",
        "scripts are not in run_results.json"
    );
    ended
        .says("OK script tell.py (after orders)")
        .says("8 scripts")
        .never_says("(global)");
    assert_same_on_postgres(&SCRIPTS, &project, &[project.results()]);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn an_after_script_that_fails_skips_what_comes_behind_its_model() {
    let project = Project::copy_of("scripts");
    let code = "import journal\nif context.current_model.name == 'orders':\n    raise ValueError('no mail today')\n";
    project.write("py/tell.py", code);
    let ended = project.run("run");
    ended
        .expect(1)
        .says("ERROR script tell.py (after orders)")
        .says("Failure in script py/tell.py (after orders)");
    ended
        .says("File \"py/tell.py\", line 3, in <module>")
        .says("ValueError: no mail today");
    ended.says("SKIP script load.py (before report) (because of tell.py (after orders))");
    let models = [
        "customers success",
        "end skipped",
        "orders success",
        "raw success",
        "report skipped",
    ];
    assert_eq!(project.results(), models);
    let journal = journal(&project);
    assert!(
        journal.contains(&"last.py orders success".to_owned()),
        "the next in the list runs: {journal:#?}"
    );
    assert!(
        !journal.iter().any(|line| line.contains("report")),
        "{journal:#?}"
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn scripts_are_selected_by_file_name_and_leave_run_results_as_they_were() {
    let project = Project::copy_of("scripts");
    project.run("run --select raw").expect(0);
    assert_eq!(
        journal(&project),
        ["log.py raw success"],
        "hooks run with their model, scripts only when selected"
    );
    assert_eq!(project.statuses(), "success: raw");
    let before = project.read("target/run_results.json");

    project
        .run("run --select tell.py")
        .expect(0)
        .says("2 scripts");
    assert_eq!(
        sorted(journal(&project)),
        ["tell.py orders skipped", "tell.py raw skipped"]
    );
    assert_eq!(
        project.read("target/run_results.json"),
        before,
        "left alone when only scripts ran"
    );

    project.write("py/tell.py", "raise SystemExit(3)\n");
    project
        .run("run --select script.raw.AFTER.tell.py")
        .expect(1);
    assert_eq!(project.read("target/run_results.json"), before);

    project.run("run --select more.py+1").expect(0);
    let lines = [
        "more.py orders skipped",
        "check.py orders skipped",
        "log.py orders success",
    ];
    assert_eq!(
        journal(&project),
        lines,
        "the script, its model and the hooks of that"
    );
    assert_eq!(project.statuses(), "success: orders");

    project.run("run --exclude tell.py load.py+").expect(0);
    let left = ["log.py raw success", "more.py orders skipped"];
    assert_eq!(
        journal(&project),
        left,
        "all that comes behind load.py is excluded; more.py is only listed behind it"
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_missing_script_stops_what_needs_it_before_anything_runs_and_nothing_else() {
    let project = Project::copy_of("scripts");
    project.remove("py/more.py").remove("py/check.py");
    let ended = project.run("run");
    ended.expect(2).says(
        "the model `orders`: the script `more.py` cannot be read: there is no file `py/more.py`",
    );
    ended
        .says("the model `orders`: the script `check.py` cannot be read")
        .says("the model `report`: the script `check.py`");
    ended
        .says("models/schema.yml:22")
        .says("relative to the folder `py`");
    assert!(
        journal(&project).is_empty() && !project.has("shop.duckdb"),
        "nothing ran"
    );
    project.run("run --select +customers").expect(0);
    assert_eq!(project.statuses(), "success: customers raw");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn what_makes_no_sense_in_a_schema_file_is_told_at_once_with_its_lines() {
    let project = Project::bare();
    project.write("models/orders.sql", "select 1 as id");
    let fal = "fal: {scripts: {bevore: [a.py]}, pre-hook: a.sql, post-hook: /tmp/a.py}";
    project.write(
        "models/schema.yml",
        format!("models:\n  - name: orders\n    config: {{meta: {{{fal}}}}}\n"),
    );
    let ended = project.run("run");
    ended
        .expect(2)
        .says("`scripts` has no key `bevore`")
        .says("did you mean `before`?");
    ended
        .says("the script `a.sql` is neither a `.py` file nor a notebook")
        .says("the script `/tmp/a.py` has an absolute path");
    ended.says("models/schema.yml:3").says("3 errors");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_script_among_the_models_is_no_model_and_its_keyword_may_be_another() {
    let project = Project::bare();
    project.write("models/orders.sql", "select 1 as id");
    let meta = "meta: {acme: {scripts: [models/double.py]}, fal: {scripts: [not_ours.py]}}";
    project.write(
        "models/schema.yml",
        format!("models:\n  - name: orders\n    config: {{{meta}}}\n"),
    );
    // Written twice, and before it is known whether at all: no model could.
    let code =
        "rows = ref('orders')\nfor _ in range(2):\n    write_to_model(rows, mode='append')\n";
    project.write("models/double.py", code);
    project
        .run("run --keyword acme")
        .expect(0)
        .says("OK script double.py (after orders)");
    assert_eq!(project.query("from orders"), json!([[1], [1], [1]]));
    assert!(!project.has("models/fal/double.sql"));
    project.dbt("run").expect(0);
}
