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

/// Models that do not end, and what says that they run.
fn endless_models() -> [(&'static str, String, &'static str); 5] {
    let deaf = "import signal, time\nfor n in (signal.SIGINT, signal.SIGTERM):\n    signal.signal(n, signal.SIG_IGN)\n\
                print('deaf', flush=True)\ntime.sleep(600)\nwrite_to_model(ref('orders'))\n";
    let asks = format!("print('asks', flush=True)\nwrite_to_model(execute_sql('{SQL}'))\n");
    [
        ("sql.sql", SQL.to_owned(), "START sql table model main.sql"),
        ("spins.py", SPIN.to_owned(), "spins | spinning"),
        ("endless.py", SLEEP.to_owned(), "endless | asleep"),
        ("ignores.py", deaf.to_owned(), "ignores | deaf"),
        ("queries.py", asks, "queries | asks"),
    ]
}

/// All at once: a query of SQL and one of Python, and code that computes, sleeps, or ignores
/// signals.
#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn during_models() {
    for to in [To::Host, To::Group] {
        let project = project();
        for (file, code, _) in endless_models() {
            project.write(&format!("models/{file}"), code);
        }
        let running = project.start("run --threads 6");
        // `orders` runs at the same time and may have ended.
        running.wait_for("OK created sql table model main.orders");
        for (_, _, said) in endless_models() {
            running.wait_for(said);
        }
        let ended = interrupt(running, to);
        assert_ended_well(&format!("models, signal to {to:?}"), &project, &ended);
        ended.says("Interrupted: cancelling 5 nodes (");
        let mut lines = ended.stdout.lines();
        let line = lines.find(|line| line.contains("Interrupted:")).unwrap();
        for name in ["endless", "ignores", "queries", "spins", "sql"] {
            assert!(line.contains(name), "{name} is not in {line}");
        }
        assert_eq!(
            project.statuses_for_dbt(),
            "error: endless ignores queries spins sql; skipped: report; success: orders"
        );
        let orders = project.query("select id from orders");
        assert_eq!(orders, json!([[1]]), "the database opens");
    }
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn before_dbt_has_read_the_project() {
    for to in [To::Host, To::Group] {
        let project = project();
        project.write("models/endless.py", SLEEP);
        let running = project.start("run");
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
    let running = project.start("run");
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
        let running = project.start("run");
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
    let host = project.host_with_dbt("run");
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
