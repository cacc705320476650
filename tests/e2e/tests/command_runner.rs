//! Python models on the command runner: routed, leased, run in another process or network, and
//! settled.

mod namespace;

use std::time::Duration;

use fal_e2e::Project;
use rustix::process::Signal;
use serde_json::{Value, json};

const TABLES: [&str; 6] = [
    "main.below",
    "main.counted",
    "main.growing",
    "main.native",
    "main.orders",
    "main.totals",
];
const RESULTS: &str = "error: failing; skipped: below_failing; \
    success: below counted growing native orders totals";

/// The models that the command ran, with the values of its placeholders, sorted by name.
#[track_caller]
fn commands(project: &Project) -> Vec<String> {
    let text = project.read("commands");
    project.remove("commands");
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// A project run by the command runner and run locally gives the same tables and errors.
#[track_caller]
fn the_same_as_here(there: &Project, here: &Project) {
    let ended = there.run("run");
    ended
        .expect(1)
        .says("counted | counting 100 orders")
        .says("counted | on standard error");
    ended
        .says("native | native models print too")
        .says("totals | cells count too")
        .says("on fal-command-runner");
    assert_eq!(there.statuses_for_dbt(), RESULTS, "{ended}");
    assert_eq!(
        commands(there),
        [
            "counted 2 fast",
            "failing 1 none",
            "native 1 none",
            "totals 1 none"
        ],
        "meta and routes"
    );
    let message = there.message("failing");
    assert!(
        message.starts_with(
            "Traceback (most recent call last):\n  File \"models/failing.py\", line 10"
        ),
        "{message}"
    );
    assert!(
        message.ends_with("ZeroDivisionError: division by zero"),
        "{message}"
    );
    here.run("run --runner local").expect(1);
    assert!(
        !here.has("commands"),
        "--runner counts for more than meta and routes"
    );
    assert_eq!(here.statuses(), RESULTS);
    assert_eq!(
        here.message("failing"),
        message,
        "the same traceback as here"
    );
    let failing = "select count(*) from information_schema.tables where table_name = 'failing'";
    assert_eq!(
        there.query(failing),
        json!([[0]]),
        "nothing stays of a model that failed behind its write"
    );
    assert_eq!(there.differences(here, &TABLES), json!({}));
    // The next run of an incremental model, also on the runner.
    let again = there.run("run --runner fal-command-runner --select growing");
    again.expect(0).says("growing | incremental");
    assert_eq!(commands(there), ["growing 1 none"]);
    assert_eq!(
        there.query("select id from main.growing order by id"),
        json!([[1], [2], [3], [4], [5], [6]])
    );
    there.nothing_is_left();
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn on_duckdb_models_elsewhere_give_the_tables_of_models_here() {
    the_same_as_here(&Project::copy_of("runners"), &Project::copy_of("runners"));
}

#[test]
#[ignore = "needs dbt and PostgreSQL: cargo xtask test"]
fn on_postgres_models_elsewhere_give_the_tables_of_models_here() {
    the_same_as_here(
        &Project::copy_of("runners").on_postgres(),
        &Project::copy_of("runners").on_postgres(),
    );
}

#[test]
#[ignore = "needs dbt and PostgreSQL: cargo xtask test"]
fn where_dbt_runs_as_a_program_models_elsewhere_give_the_same_tables() {
    let there = Project::copy_of("runners").on_postgres();
    let settings = there.read("fal_project.yml");
    let more = format!("{settings}    fal-dbt-backend: {{engine: commands}}\n");
    there.write("fal_project.yml", more);
    the_same_as_here(&there, &Project::copy_of("runners").on_postgres());
}

/// A project of scripts that all go to the command runner.
fn routed(config: &Value, models: &[(&str, &str)]) -> Project {
    let project = Project::bare();
    let fal_project = json!({
        "routes": [{"select": "*", "runner": "fal-command-runner"}],
        "plugins": {"config": {"fal-command-runner": config}},
    });
    project.write("fal_project.yml", fal_project.to_string());
    for (name, code) in models {
        project.write(&format!("models/{name}.py"), code);
    }
    project
}

/// Writes three batches; the first attempt dies after two of them.
const DIES_MIDWAY: &str = "\
import os, signal, time
import pyarrow

folder = os.environ['SHOP_FOLDER']
first = not os.path.exists(folder + '/died')

def parts():
    for part in range(3):
        if part == 2 and first:
            open(folder + '/died', 'w').close()
            os.kill(int(open(folder + '/midway.pid').read()), signal.SIGKILL)
            time.sleep(600)
        ids = range(part * 50000, (part + 1) * 50000)
        yield pyarrow.table({'id': pyarrow.array(ids, pyarrow.int64()), 'first': [first] * 50000})

write_to_model(parts())
";

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn what_the_infrastructure_does_is_retried_or_told() {
    let config = json!({
        "shell": true,
        "command": "cp {dir}/node.json {name}.json; echo $$ > {name}.pid; case {name} in \
            refused) echo 'Permission denied (publickey).' >&2; exit 255;; esac; exec {python} {script}",
        "bundle": "file",
        "env": {"SHOP_FOLDER": "{custom.folder}"},
        "retries": {"attempts": 2, "backoff": "10ms", "on": ["signal", 255]},
        "concurrency": 4,
    });
    let late = "import time\nprint('asleep', flush=True)\ntime.sleep(600)\nwrite_to_model(None)\n";
    let plain = "import pandas\nwrite_to_model(pandas.DataFrame({'id': [1]}))\n";
    let project = routed(
        &config,
        &[("midway", DIES_MIDWAY), ("late", late), ("refused", plain)],
    );
    let folder = project.root().display().to_string();
    let meta = json!({"models": [
        {"name": "midway", "meta": {"fal": {"resources": {"folder": folder}}}},
        {"name": "late", "meta": {"fal": {"resources": {"folder": folder, "timeout": "3s"}}}},
        {"name": "refused", "meta": {"fal": {"resources": {"folder": folder}}}},
    ]});
    project.write("models/schema.yml", meta.to_string());
    let ended = project.run("run");
    ended.expect(1);
    assert_eq!(
        project.statuses(),
        "error: late refused; success: midway",
        "{ended}"
    );
    ended.says("attempt 1 of 2: the command was killed by signal 9 (SIGKILL)");
    let rows = "select count(*), count(distinct id), count(*) filter (where first) from midway";
    assert_eq!(
        project.query(rows),
        json!([[150_000, 150_000, 0]]),
        "all of the second attempt, nothing of the first"
    );
    let refused = project.message("refused");
    assert!(
        refused.starts_with("the command ended with exit code 255\nThe command: "),
        "{refused}"
    );
    assert!(
        refused.contains("Permission denied (publickey).")
            && refused.contains("\nIt was attempt 2 of 2\n"),
        "{refused}"
    );
    let late = project.message("late");
    assert!(
        late.contains('3') && late.contains("time"),
        "the error names the time limit: {late}"
    );
    assert_eq!(
        project.json("midway.json")["unique_id"],
        "model.shop.midway"
    );
    project.nothing_is_left();
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn an_interruption_ends_the_command_and_the_model() {
    let sleeps =
        "import os, time\nprint('asleep', flush=True)\ntime.sleep(600)\nwrite_to_model(None)\n";
    // The command and its child run until they are killed.
    let command = "trap '' TERM; sleep 600 & {python} -";
    let config = json!({"shell": true, "command": command, "pass_env": ["FAL_E2E_MARK"]});
    let project = routed(&config, &[("endless", sleeps)]);
    let mut running = project.start("run");
    running.wait_for("endless | asleep");
    running.signal_group(Signal::INT);
    let ended = running.wait();
    ended
        .expect(130)
        .says("Interrupted: cancelling 1 node (endless)");
    // Two seconds are the aim; a loaded machine gets more.
    assert!(
        ended.took < Duration::from_secs(5),
        "{:?}\n{ended}",
        ended.took
    );
    project.nothing_is_left();
    assert_eq!(project.statuses(), "error: endless");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_program_that_is_not_there_ends_the_command_with_two() {
    let plain = "import pandas\nwrite_to_model(pandas.DataFrame({'id': [1]}))\n";
    let project = routed(
        &json!({"command": ["no-such-ssh", "host"]}),
        &[("a", plain)],
    );
    let ended = project.run("run");
    ended
        .expect(2)
        .says("there is no program `no-such-ssh`")
        .says("shell syntax needs `shell: true`");
    let misspelt = routed(&json!({"command": ["ssh", "{nmae}"]}), &[("a", plain)]);
    let ended = misspelt.run_host("check");
    ended
        .expect(2)
        .says("`command.1`:")
        .says("there is no placeholder `{nmae}`; did you mean `{name}`");
    project.nothing_is_left();
}
