//! Ctrl-C: exit code 130 within two seconds, no process left, valid artifacts, a database that opens.

use std::time::Duration;

use fal_e2e::{Ended, Project, Running};
use rustix::process::Signal;
use serde_json::json;

/// The aim is two seconds; a loaded machine gets more, and the figure is printed.
const LIMIT: Duration = Duration::from_secs(5);

const SQL: &str = "select count(*) as n from range(10000000000) a, range(10000000000) b";
const SPIN: &str = "df = ref('orders')\nprint('spinning', flush=True)\nwhile len(df):\n    pass\nwrite_to_model(df)\n";
const SLEEP: &str =
    "import time\nprint('asleep', flush=True)\ntime.sleep(600)\nwrite_to_model(ref('orders'))\n";

fn project() -> Project {
    let project = Project::bare();
    project.write("models/orders.sql", "select 1 as id");
    project.write(
        "models/report.sql",
        "select count(*) as n from {{ ref('endless') }}",
    );
    project
}

/// The processes that get the signal.
#[derive(Clone, Copy, Debug)]
enum To {
    /// `kill -INT`.
    Host,
    /// A terminal.
    Group,
}

fn interrupt(mut running: Running, to: To) -> Ended {
    match to {
        To::Host => running.signal(Signal::INT),
        To::Group => running.signal_group(Signal::INT),
    };
    running.wait()
}

#[expect(
    clippy::print_stdout,
    reason = "the figure is the result; it is shown, not asserted"
)]
#[track_caller]
fn assert_ended_well(what: &str, project: &Project, ended: &Ended) {
    println!("{what}: ended {:?} after the signal", ended.took);
    ended.expect(130);
    assert!(ended.took < LIMIT, "{what}: {:?}\n{ended}", ended.took);
    project.nothing_is_left();
}

#[track_caller]
fn assert_artifacts(project: &Project, expected: &[&str]) {
    assert_eq!(project.results(), expected);
    assert_eq!(
        project.query("select id from orders"),
        json!([[1]]),
        "the database opens"
    );
}

const STATUSES: [&str; 3] = ["endless error", "orders success", "report skipped"];

#[track_caller]
fn during_a_model(what: &str, file: &str, code: &str, said: &str) {
    for to in [To::Host, To::Group] {
        let project = project();
        project.write(file, code);
        let running = project.start(&["run", "--threads", "2"]);
        // `orders` runs at the same time and may have ended.
        running
            .wait_for(said)
            .wait_for("OK created sql table model main.orders");
        let ended = interrupt(running, to);
        assert_ended_well(&format!("{what}, signal to {to:?}"), &project, &ended);
        ended.says("Interrupted: cancelling 1 node (endless)");
        assert_artifacts(&project, &STATUSES);
    }
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn during_sql() {
    during_a_model(
        "SQL",
        "models/endless.sql",
        SQL,
        "START sql table model main.endless",
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn during_python_that_computes() {
    during_a_model(
        "Python that computes",
        "models/endless.py",
        SPIN,
        "endless | spinning",
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn during_python_that_sleeps() {
    during_a_model(
        "Python that sleeps",
        "models/endless.py",
        SLEEP,
        "endless | asleep",
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn during_python_that_ignores_signals_and_a_query_of_a_model() {
    let deaf = "import signal, time\nfor n in (signal.SIGINT, signal.SIGTERM):\n    signal.signal(n, signal.SIG_IGN)\n\
                print('deaf', flush=True)\ntime.sleep(600)\nwrite_to_model(ref('orders'))\n";
    during_a_model(
        "Python that ignores signals",
        "models/endless.py",
        deaf,
        "endless | deaf",
    );
    let query = format!("print('asks', flush=True)\nwrite_to_model(execute_sql('{SQL}'))\n");
    during_a_model(
        "A query of a Python model",
        "models/endless.py",
        &query,
        "endless | asks",
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn before_dbt_has_read_the_project() {
    for to in [To::Host, To::Group] {
        let project = project();
        project.write("models/endless.py", SLEEP);
        let running = project.start(&["run"]);
        // The stubs come before dbt reads the project, and dbt takes seconds for it.
        running.wait_until("the stub is there", || {
            project.has("models/fal/endless.sql").then_some(())
        });
        let ended = interrupt(running, to);
        assert_ended_well(
            &format!("dbt's parsing, signal to {to:?}"),
            &project,
            &ended,
        );
        ended.never_says("START");
        assert!(!project.has("target/run_results.json"));
    }
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn while_dbt_parses() {
    let project = project();
    project.write("models/endless.py", SLEEP);
    // dbt calls this macro while it parses; it prints a line and then never returns.
    let slow = "{% if not execute %}{{ log('parsing', info=true) }}\
                {% for n in range(99999) %}{% for m in range(99999) %}{% endfor %}{% endfor %}{% endif %}select 1 as id";
    project.write("models/slow.sql", slow);
    let running = project.start(&["run"]);
    running.wait_for("parsing");
    let ended = interrupt(running, To::Host);
    assert_ended_well("a macro while dbt parses", &project, &ended);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn during_on_run_start() {
    for to in [To::Host, To::Group] {
        let project = project();
        project.write("models/endless.py", SLEEP);
        let settings = project.read("dbt_project.yml");
        let hook = format!("{{{{ log('the hook runs', info=true) if execute }}}}{SQL}");
        project.write(
            "dbt_project.yml",
            format!("{settings}on-run-start: [\"{hook}\"]\n"),
        );
        let running = project.start(&["run"]);
        running.wait_for("the hook runs");
        let ended = interrupt(running, to);
        assert_ended_well(&format!("on-run-start, signal to {to:?}"), &project, &ended);
        // dbt names the hook as well if it gets to write the file itself.
        let mut results = project.results();
        results.retain(|line| !line.starts_with("shop-on-run-start"));
        assert_eq!(
            results,
            ["endless skipped", "orders skipped", "report skipped"]
        );
        assert_eq!(
            project.query("select 1"),
            json!([[1]]),
            "the database opens"
        );
    }
}

/// Ends when the file `go` is there.
const WAITS: &str = "import os, time\nprint('waits', flush=True)\nwhile not os.path.exists('go'):\n    time.sleep(0.02)\n\
                     write_to_model(ref('orders'))\n";

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn signals_that_were_ignored_at_the_start_stay_ignored() {
    let project = project();
    project.write("models/endless.py", WAITS);
    let host = project.host_with_dbt(&["run"]);
    // As `nohup` and a script's `&` start a program.
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", "trap '' HUP INT; exec \"$0\" \"$@\""])
        .arg(host.get_program())
        .args(host.get_args());
    command.current_dir(project.root());
    host.get_envs().for_each(|(name, value)| match value {
        Some(value) => _ = command.env(name, value),
        None => _ = command.env_remove(name),
    });
    let mut running = project.spawn(command);
    running.wait_for("endless | waits");
    running
        .signal(Signal::HUP)
        .signal(Signal::INT)
        .signal_group(Signal::INT);
    project.write("go", "");
    running.wait().expect(0).never_says("Interrupted");
}
