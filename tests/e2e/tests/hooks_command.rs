//! `fal-host hooks` runs the scripts of models alone.

use fal_e2e::Project;
use rustix::process::Signal;

use crate::scripts::journal;

/// The scripts that ran, sorted within each group of one file, since the order of models is not
/// defined.
#[track_caller]
fn ran(project: &Project, args: &str, code: i32) -> Vec<String> {
    project.run(format!("hooks {args}")).expect(code);
    let mut lines = journal(project);
    lines.sort();
    lines
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn every_form_takes_its_scripts_and_leaves_run_results_as_they_were() {
    let project = Project::copy_of("scripts");
    project.write(
        "models/orders.sql",
        "select id from {{ ref('raw') }} where nonsense",
    );
    project.run("run --threads 1").expect(1);
    assert_eq!(
        project.statuses(),
        "error: orders; skipped: end report; success: customers raw"
    );
    journal(&project);
    let before = project.read("target/run_results.json");

    project
        .run("hooks")
        .expect(0)
        .says("OK script tell.py (after orders)")
        .says("7 scripts");
    let lines = journal(&project);
    // Scripts first, each model's in their order; then post-hooks; global scripts last.
    assert_eq!(lines[6], "done.py");
    let mut post_hooks = lines[4..6].to_vec();
    post_hooks.sort();
    assert_eq!(
        post_hooks,
        ["log.py orders error", "log.py raw success"],
        "report was skipped"
    );
    let at = |line: &str| {
        lines
            .iter()
            .position(|other| other == line)
            .unwrap_or_else(|| panic!("{line}: {lines:?}"))
    };
    assert!(
        at("tell.py orders error") < at("last.py orders error"),
        "{lines:?}"
    );
    assert!(
        at("tell.py raw success") < 4 && at("last.py customers success") < 4,
        "{lines:?}"
    );

    let all = ran(&project, "--all", 0);
    assert!(all.contains(&"log.py report skipped".to_owned()), "{all:?}");
    assert_eq!(all.len(), 8);
    assert_eq!(
        ran(&project, "--select report end", 0),
        ["log.py report skipped"]
    );
    assert_eq!(
        ran(&project, "--models +orders --exclude raw --globals", 0),
        [
            "done.py",
            "last.py orders error",
            "log.py orders error",
            "tell.py orders error"
        ]
    );
    assert_eq!(
        ran(&project, "--script last.py --select orders", 0),
        ["last.py orders error", "log.py orders error"]
    );
    assert_eq!(
        ran(&project, "--scripts done.py tell.py --globals", 0),
        [
            "done.py",
            "log.py orders error",
            "log.py raw success",
            "tell.py orders error",
            "tell.py raw success"
        ]
    );
    assert_eq!(project.read("target/run_results.json"), before);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn before_needs_no_run_and_goes_from_globals_over_pre_hooks_to_before_scripts() {
    let project = Project::copy_of("scripts");
    project.run("hooks --before").expect(0);
    let lines = journal(&project);
    let files: Vec<&str> = lines
        .iter()
        .map(|line| line.split(' ').next().unwrap_or_default())
        .collect();
    assert_eq!(files[..3], ["first.py", "check.py", "check.py"]);
    let mut scripts = files[3..].to_vec();
    scripts.sort_unstable();
    assert_eq!(scripts, ["load.py", "load.py", "load.py", "more.py"]);
    assert!(!project.has("target/run_results.json"));
    assert_eq!(ran(&project, "--before --select raw", 0), [""; 0]);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_script_that_fails_is_named_with_its_model_and_the_others_run() {
    let project = Project::copy_of("scripts");
    project.run("run").expect(0);
    journal(&project);
    project.write(
        "py/tell.py",
        "import journal\n\nraise ValueError(context.current_model.name)\n",
    );
    let ended = project.run("run-scripts");
    ended
        .expect(1)
        .says("Failure in script py/tell.py (after orders)")
        .says("Failure in script py/tell.py (after raw)");
    ended.says("ValueError: orders");
    let mut lines = journal(&project);
    lines.sort();
    let rest = [
        "done.py",
        "last.py customers success",
        "last.py orders success",
    ];
    let post_hooks = [
        "log.py orders success",
        "log.py raw success",
        "log.py report success",
    ];
    assert_eq!(lines, [rest, post_hooks].concat());
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn the_target_is_that_of_the_last_run() {
    let project = Project::copy_of("scripts");
    project.write(
        "py/tell.py",
        "print('in', target.name, ref('raw').id.sum())\n",
    );
    project.run("run --target prod").expect(0);
    project
        .run("hooks --scripts tell.py")
        .expect(0)
        .says("(target='prod')")
        .says("in prod 1");
    project
        .run("hooks --all --target dev")
        .says("(target='dev')");
}

#[test]
fn what_cannot_be_told_is_an_error_with_a_way_out() {
    let project = Project::copy_of("scripts");
    let said = |args: &[&str]| {
        let ended = project.run_host(args);
        ended.expect(2);
        ended
            .stderr
            .replace(&project.root().display().to_string(), "ROOT")
    };
    insta::assert_snapshot!(said(&["hooks"]), @r"
    error: there was no run to take the scripts of: `ROOT/target/run_results.json` does not exist [hooks::no_last_run]
    help: run the models first (`fal-host run`), or say which with `--all`, `--select` or `--before`
    ");
    insta::assert_snapshot!(said(&["hooks", "--all", "--exclude", "raw"]), @r"
    error: `--all` and a selection (`--select`, `--models`, `--exclude`, `--selector`) exclude each other [hooks::all_with_selection]
    help: give one of them
    ");
    let ended = project.run_host("hooks --log-format json");
    let event: serde_json::Value = serde_json::from_str(&ended.expect(2).stdout).unwrap();
    assert_eq!(event["info"]["level"], "error");
    assert_eq!(event["data"]["event"], "error");
    assert_eq!(event["data"]["code"], "hooks::no_last_run");
    assert_eq!(ended.stderr, "");
    project.write("target/run_results.json", "{\"results\": 3}");
    assert!(said(&["hooks"]).contains("target/run_results.json` cannot be read: invalid type"));
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn after_dbt_test_it_takes_the_models_that_were_tested() {
    let project = Project::bare();
    project.write("models/orders.sql", "select 1 as id");
    project.write("models/other.sql", "select 1 as id");
    let model = |name: &str, tests: &str| {
        format!(
            "  - name: {name}\n    columns: [{{name: id, data_tests: [{tests}]}}]\n    config: {{meta: {{fal: {{scripts: [tell.py]}}}}}}\n"
        )
    };
    project.write(
        "models/schema.yml",
        format!(
            "models:\n{}{}",
            model("orders", "unique"),
            model("other", "")
        ),
    );
    let code = "model = context.current_model\nprint(model.name, model.status, [test.status for test in model.tests])\n";
    project.write("tell.py", code);
    project.dbt("run").expect(0);
    project
        .run("hooks")
        .expect(0)
        .says("orders success")
        .says("other success");
    project.dbt("test").expect(0);
    project
        .run("hooks")
        .expect(0)
        .says("orders tested ['pass']")
        .never_says("(after other)");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn ctrl_c_ends_it_and_leaves_nothing() {
    let project = Project::copy_of("scripts");
    project.write(
        "py/load.py",
        "import time\nprint('asleep', flush=True)\ntime.sleep(600)\n",
    );
    let mut running = project.start("hooks --before");
    running.wait_for("| asleep");
    running.signal(Signal::INT);
    running.wait().expect(130);
    project.nothing_is_left();
    assert!(!project.has("target/run_results.json"));
    assert!(
        !project.read("journal.txt").contains("more.py"),
        "nothing more is begun"
    );
}
