//! Routing of Python models to runners, refusals before a run, and runners that fail or hang.

use std::{fs, os::unix::fs::PermissionsExt, process::Command, time::Duration};

use fal_e2e::{Ended, Project, dbt_python, workspace};
use rustix::process::Signal;
use serde_json::json;

const MODEL: &str = "import pandas as pd\nwrite_to_model(pd.DataFrame({'n': [1]}))\n";
const ROUTES: &str = "routes:\n- {select: 'tag:away', runner: ./acme-runner.fal-plugin}\n";

/// A project with the runner of the tests beside it.
fn project() -> Project {
    let project = Project::bare();
    let source = include_str!("routing/acme-runner.fal-plugin");
    let first = format!("#!{}", dbt_python().display());
    project.write(
        "acme-runner.fal-plugin",
        source.replacen("#!/usr/bin/env python3", &first, 1),
    );
    let plugin = project.path("acme-runner.fal-plugin");
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o755)).expect("permissions");
    project
}

fn command(project: &Project, args: &[&str]) -> Command {
    let mut command = project.host_with_dbt(args);
    command
        .env(
            "ACME_FAL_PLUGIN",
            workspace().join("crates/fal-plugin/python"),
        )
        .arg("--trust-project-plugins");
    command
}

fn run(project: &Project, args: &[&str]) -> Ended {
    project.finish(command(project, args))
}

#[test]
#[ignore = "needs a Python: cargo xtask test"]
fn what_is_wrong_with_runners_is_found_without_running_anything() {
    let project = project();
    project
        .write("models/a.py", MODEL)
        .write("fal_project.yml", ROUTES);
    let untrusted = project.run_host("check");
    untrusted
        .expect(2)
        .says("which is not trusted")
        .says("acme-runner.fal-plugin");
    run(&project, &["check"]).expect(0);
    let schema = "models:\n- name: a\n  meta: {fal: {runner: unknown}}\n- name: b\n  config: {meta: {fal: {runner: ./evil, resources: {memory: lots}}}}\n";
    project.write("models/schema.yml", schema);
    project.write(
        "fal_project.yml",
        format!("{ROUTES}- {{select: x, runner: acme-rnner}}\n- {{select: y, runner: fal-dbt-backend}}\n"),
    );
    let ended = run(&project, &["check"]);
    ended
        .expect(2)
        .says("[models/schema.yml:3:1]")
        .says("there is no runner `unknown`")
        .says("known are:");
    ended
        .says("[models/schema.yml:5:1]")
        .says("`runner` must be the name of a plugin, and `./evil` is a path");
    ended
        .says("[fal_project.yml:3:1]")
        .says("the route `x` to `acme-rnner` leads nowhere");
    ended
        .says("[fal_project.yml:4:1]")
        .says("the plugin `fal-dbt-backend` is no runner");
    ended
        .says("`memory` of `resources` cannot be `lots`")
        .says("5 errors");
    let named = "runners:\n- {name: machines, plugin: ./acme-runner.fal-plugin, config: {concurrency: many}}\n";
    project
        .write("models/schema.yml", "")
        .write("fal_project.yml", named);
    run(&project, &["check"])
        .expect(2)
        .says("the runner `machines` cannot be used")
        .says("[fal_project.yml:2:1]");
}

/// Two run there; the second waits for the first, so that the order is known. Then the runner dies.
#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_runner_that_dies_fails_what_ran_there_and_nothing_else() {
    let project = project();
    let named =
        "runners: [{name: machines, plugin: ./acme-runner.fal-plugin, config: {concurrency: 2}}]\n";
    let routes = "routes:\n- {select: 'tag:nothing', runner: local}\n- {select: 'tag:away', runner: machines}\n";
    project.write("fal_project.yml", format!("{named}{routes}"));
    project
        .write("models/well.py", MODEL)
        .write("models/here.py", MODEL)
        .write("hooks/tell.py", "print('ran here')\n");
    project.write("models/dies.py", "df = ref('well')\nwrite_to_model(df)\n");
    project.write("models/late.py", "df = ref('dies')\nwrite_to_model(df)\n");
    project.write("models/below.sql", "select * from {{ ref('late') }}");
    project.write("models/other.sql", "select * from {{ ref('here') }}");
    project.write(
        "models/schema.yml",
        "
models:
- {name: well, config: {tags: [away], meta: {fal: {post-hook: hooks/tell.py, resources: {memory: 2kB, queue: gpu}}}}}
- {name: dies, config: {tags: [away]}}
- {name: here, config: {tags: [away], meta: {fal: {runner: local}}}}
- {name: late, config: {tags: [away]}}
",
    );
    let ended = run(&project, &["run"]);
    ended
        .expect(2)
        .says("the route `tag:nothing` to `local` matches no Python model");
    ended
        .says("python table model main.well on machines")
        .says("python table model main.here ..");
    ended.says("machines: begins with model.shop.dies model.shop.late model.shop.well");
    ended.says("machines: model.shop.well asks for {'memory': 2000, 'custom': {'queue': 'gpu'}}");
    ended.says("tell.py (post-hook of well) | ran here");
    ended.says("the runner `machines` failed: ").says("7");
    let results = [
        "below skipped",
        "dies error",
        "here success",
        "late skipped",
        "other success",
        "well success",
    ];
    assert_eq!(project.results(), results, "{ended}");
    let events = project.read("target/fal/events.jsonl");
    let there = |name: &str| {
        events.lines().any(|line| {
            line.contains(&format!("\"name\":\"{name}\""))
                && line.contains("\"runner\":\"machines\"")
        })
    };
    assert_eq!(
        ["well", "dies", "here", "other"].map(there),
        [true, true, false, false]
    );
    project.nothing_is_left();

    // What is tried again goes where it went, unless it is said otherwise.
    let again = run(&project, &["retry", "--runner", "local"]);
    again.expect(0);
    assert_eq!(project.statuses(), "success: below dies late");
    assert_eq!(project.query("select n from below"), json!([[1]]));
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn what_a_runner_does_not_end_is_ended_by_ctrl_c_and_undone() {
    let project = project();
    project.write("fal_project.yml", ROUTES);
    project.write("models/stubborn.py", MODEL).write(
        "models/schema.yml",
        "models: [{name: stubborn, config: {tags: [away]}}]\n",
    );
    run(&project, &["run", "--runner", "local"]).expect(0);
    let mut running = project.spawn(command(&project, &["run"]));
    running.wait_for("stubborn holds its lease");
    running.signal(Signal::INT);
    let ended = running.wait();
    ended.expect(130).says("cancelling 1 node (stubborn)");
    assert!(ended.took < Duration::from_secs(60), "{ended}");
    assert_eq!(
        project.query("select n from stubborn"),
        json!([[1]]),
        "the table of before"
    );
    project.nothing_is_left();

    project.write(
        "fal_project.yml",
        format!("plugins: {{config: {{acme-runner: {{closed: true}}}}}}\n{ROUTES}"),
    );
    let ended = run(&project, &["run"]);
    ended
        .expect(2)
        .says("the runner `acme-runner` does not start: the machines are asleep")
        .says("wake them");
    project.nothing_is_left();
}
