//! Plugins that do one thing wrong at a random moment: the host ends with an error that names the
//! plugin, or with a
//! finished run; never by a signal, and never later than the configured time-out.
//!
//! `FAL_FAULT_SEED` and `FAL_FAULT_COUNT` choose which pairs are tried. Without them each run draws
//! new pairs; failures are
//! printed so that it can be pasted into `FOUND`.

#![allow(
    clippy::print_stdout,
    reason = "what was tried must be known when it fails"
)]

mod case;
mod catalogue;
mod trial;

use std::{
    env,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use case::Case;
use fal_e2e::Project;
use rustix::process::Signal;

/// Pairs that once failed.
const FOUND: &[&str] = &[
    "isolated alone owner settle 2 answers too much",
    "isolated alone owner settle 2 tells nonsense",
    "isolated alone stub-writer folder 1 answers nothing",
    "isolated alone stub-writer folder 1 answers outside",
    "library alone execution-backend dropped 1 panics",
    "library alone execution-backend dropped 1 hangs",
    "library alone python-parser parse 2 refuses without words",
    "library alone runner dropped 1 spins",
    "library alone runner run_node 3 answers too much",
    "library alone stub-writer render 1 answers outside",
    "library alone stub-writer render 2 refuses without words",
    "program alone stub-writer render 1 answers with the user's file",
    "program alone execution-backend select 1 refuses without words",
];

/// At a time; most of them wait.
const AT_ONCE: usize = 4;

#[test]
fn what_was_found_stays_mended() {
    try_all(
        &FOUND
            .iter()
            .map(|text| text.parse().unwrap())
            .collect::<Vec<_>>(),
    );
}

#[test]
fn two_hundred_random_faults() {
    let seed = number("FAL_FAULT_SEED").unwrap_or_else(now);
    let count = number("FAL_FAULT_COUNT").map_or(200, |count| usize::try_from(count).unwrap());
    println!("FAL_FAULT_SEED={seed}");
    let cases = match env::var("FAL_FAULT_CASE") {
        Ok(one) => vec![one.parse().unwrap()],
        Err(_) => catalogue::random(seed, count),
    };
    let fired = try_all(&cases);
    println!("{fired} of {} faults were met", cases.len());
    assert!(
        fired * 10 >= cases.len() * 9,
        "only {fired} of {} faults were met: seed {seed}",
        cases.len()
    );
}

/// With dbt as the backend: a faulty runner fails the models that ran there. Their old tables stay,
/// and the
/// rest of the run goes on.
#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_runner_at_fault_leaves_the_old_table() {
    let project = Project::bare();
    let orders = "select 1 as id";
    project
        .write("models/orders.sql", orders)
        .write("models/a.py", "write_to_model(ref('orders'))\n");
    project.write(
        "fal_project.yml",
        "plugins:\n  config:\n    acme-program: {runner: true}\n",
    );
    project.run("run").expect(0);
    let runner = format!("--runner={}", trial::program().display());
    for (count, fault, code, says) in [
        // It says that it ran the model, and did not.
        (0, "", 1, "a"),
        (
            1,
            "exits with 3",
            2,
            "the plugin `acme-program` ended in `run_node`: exit code 3",
        ),
        (1, "answers in another shape", 2, "acme-program"),
        (1, "hangs", 130, ""),
    ] {
        let new = format!("select {} as id", count + 2 + i32::from(code == 130));
        project.write("models/orders.sql", &new);
        let mut command = project.host_with_dbt(&["run", &runner]);
        command.env(
            "ACME_PROGRAM_FAULT",
            format!("execution-backend run_node {count} {fault}"),
        );
        command.env("ACME_FIRED", project.path("met"));
        let mut running = project.spawn(command);
        if code == 130 {
            running.wait_until("it hangs", || project.has("met").then_some(()));
            running.signal_group(Signal::INT);
        }
        let ended = running.wait();
        ended.expect(code).says(says);
        assert_eq!(
            project.query("select id from a"),
            serde_json::json!([[1]]),
            "the old table stays\n{ended}"
        );
        assert_eq!(
            project.query("select * from orders").to_string(),
            format!("[[{}]]", &new[7..8]),
            "{ended}"
        );
        project.nothing_is_left();
        if project.has("met") {
            project.remove("met");
        }
    }
}

/// Tries all cases and reports all failures; returns how many faults were reached.
fn try_all(cases: &[Case]) -> usize {
    let (next, fired) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let longest = Mutex::new(Duration::ZERO);
    let failures = Mutex::new(Vec::new());
    // All failures are reported together below.
    panic::set_hook(Box::new(|_| {}));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    match catch_unwind(AssertUnwindSafe(|| trial::run(case))) {
                        Ok((met, took)) => {
                            fired.fetch_add(usize::from(met), Ordering::SeqCst);
                            if !met {
                                println!("not met: {case}");
                            }
                            let mut longest = longest.lock().unwrap();
                            *longest = took.max(*longest);
                        }
                        Err(cause) => {
                            println!("failed: {case}");
                            failures
                                .lock()
                                .unwrap()
                                .push(format!("{case}\n{}", text(&*cause)));
                        }
                    }
                }
            });
        }
    });
    drop(panic::take_hook());
    println!("the longest took {:?}", longest.into_inner().unwrap());
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} of {} failed:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n\n")
    );
    fired.into_inner()
}

fn text(cause: &(dyn std::any::Any + Send)) -> &str {
    cause.downcast_ref::<String>().map_or_else(
        || *cause.downcast_ref::<&str>().unwrap_or(&"no words"),
        String::as_str,
    )
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.subsec_nanos().into())
}
