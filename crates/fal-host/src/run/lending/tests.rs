//! One model on a runner: the order of lending, running and settling, and every way in which one of them fails.

use std::sync::atomic::{AtomicBool, Ordering};

use fal_plugin::payload::{NodeStatus, NodeWork};
use fal_report::Reporters;

use super::{
    super::{
        executor::{Hook, Leases},
        fake::{Diary, Fake, note},
        slots::Slots,
        task::{Hooks, Task},
    },
    *,
};

/// What happened to the node `a`.
struct Outcome {
    result: Result<NodeResult, PluginError>,
    diary: String,
    broken: Option<String>,
    left: Option<String>,
}

/// Runs `a` on the runner `acme`.
fn run(owner: Fake, runner: Fake, stopped: &Arc<AtomicBool>) -> Outcome {
    run_with(owner, runner, stopped, Hooks::default())
}

fn run_with(owner: Fake, runner: Fake, stopped: &Arc<AtomicBool>, hooks: Hooks) -> Outcome {
    let diary = Diary::default();
    let owner = Fake {
        diary: Arc::clone(&diary),
        ..owner
    };
    let runner = Fake {
        diary: Arc::clone(&diary),
        sign: "acme: ",
        ..runner
    };
    let runner = Arc::new(Runner::new("acme".to_owned(), Arc::new(runner), None));
    let executor = Executor {
        session: Arc::new(owner),
        runners: Arc::new([Arc::clone(&runner)]),
        leases: Leases::default(),
        hooks: Slots::new(1),
        reporters: Arc::new(Reporters::new()),
        stopped: Arc::clone(stopped),
    };
    let task = Task {
        request: NodeRequest::new("a", NodeWork::Dbt),
        hooks,
        runner: Some(0),
    };
    let result = task.run(&executor);
    let lines = diary.lock().join("\n");
    let broken = runner.broken().map(|error| error.message);
    Outcome {
        result,
        diary: lines,
        broken,
        left: executor.leases.take("a"),
    }
}

fn fake() -> Fake {
    Fake::default()
}

/// The user stops the run during this call.
fn stopping(call: &'static str, stopped: &Arc<AtomicBool>) -> Fake {
    let stopped = Arc::clone(stopped);
    Fake {
        during: Some((
            call,
            Arc::new(move || stopped.store(true, Ordering::SeqCst)),
        )),
        ..fake()
    }
}

fn flag() -> Arc<AtomicBool> {
    Arc::default()
}

fn of(result: &Result<NodeResult, PluginError>) -> String {
    match result {
        Ok(result) => format!(
            "{:?} {}",
            result.status,
            result.message.as_deref().unwrap_or_default()
        ),
        Err(error) => format!("owner broken: {}", error.message),
    }
}

#[test]
fn a_model_is_lent_run_and_settled() {
    let outcome = run(fake(), fake(), &flag());
    assert_eq!(of(&outcome.result), "Success ");
    insta::assert_snapshot!(outcome.diary, @r"
    lend a
    acme: run a
    settle a Success
    ");
    assert_eq!((outcome.broken, outcome.left), (None, None));
}

#[test]
fn hooks_stay_where_dbt_runs_around_the_whole() {
    let hook = |id: &str| Hook {
        info: fal_report::NodeInfo::default(),
        request: NodeRequest::new(id, NodeWork::Dbt),
    };
    let hooks = Hooks {
        pre: vec![hook("pre")],
        post: vec![hook("post")],
    };
    let outcome = run_with(fake(), fake(), &flag(), hooks.clone());
    insta::assert_snapshot!(outcome.diary, @r"
    run pre
    lend a
    acme: run a
    settle a Success
    run post
    ");
    let outcome = run_with(Fake::failing("pre"), fake(), &flag(), hooks);
    insta::assert_snapshot!(outcome.diary, @r"
    run pre
    record a Error
    run post
    ");
}

#[test]
fn a_model_that_ends_when_it_is_lent_is_neither_run_nor_settled() {
    let outcome = run(
        Fake {
            ended: vec!["a"],
            ..fake()
        },
        fake(),
        &flag(),
    );
    assert_eq!(
        (of(&outcome.result).as_str(), outcome.diary.as_str()),
        ("Error no", "lend a")
    );
}

#[test]
fn a_model_that_fails_there_is_settled_as_failed_and_the_runner_goes_on() {
    let outcome = run(fake(), Fake::failing("a"), &flag());
    assert_eq!(of(&outcome.result), "Error a is broken");
    assert!(
        outcome.diary.ends_with("settle a Error"),
        "{}",
        outcome.diary
    );
    assert_eq!(outcome.broken, None);
}

#[test]
fn a_runner_that_breaks_fails_its_model_and_is_remembered() {
    let broken = [
        (Fake::breaking("run a"), "`run a` broke"),
        (Fake::panicking("run a"), "the call of `acme` panicked"),
        (
            Fake {
                confused: true,
                ..fake()
            },
            "it answered for `model.shop.other` when it was asked to run `a`",
        ),
    ];
    for (runner, message) in broken {
        let outcome = run(fake(), runner, &flag());
        assert_eq!(
            of(&outcome.result),
            format!("Error the runner `acme` failed: {message}")
        );
        assert_eq!(outcome.diary, "lend a\nacme: run a\nsettle a Error");
        assert_eq!(
            (outcome.broken.as_deref(), outcome.left),
            (Some(message), None)
        );
    }
}

#[test]
fn an_owner_that_breaks_stops_the_run() {
    let outcome = run(Fake::breaking("lend a"), fake(), &flag());
    assert_eq!(
        (of(&outcome.result).as_str(), outcome.diary.as_str()),
        ("owner broken: `lend a` broke", "lend a")
    );
    let outcome = run(Fake::breaking("settle a"), fake(), &flag());
    assert_eq!(of(&outcome.result), "owner broken: `settle a` broke");
    assert_eq!(
        (outcome.diary.as_str(), outcome.broken),
        ("lend a\nacme: run a\nsettle a Success", None)
    );
}

#[test]
fn a_run_that_is_stopped_ends_it_at_the_next_step_and_what_is_lent_is_settled() {
    let stopped = Arc::new(AtomicBool::new(true));
    let outcome = run(fake(), fake(), &stopped);
    assert_eq!(outcome.diary, "record a Skipped", "before it is lent");

    let stopped = flag();
    let outcome = run(stopping("lend a", &stopped), fake(), &stopped);
    assert_eq!(
        outcome.diary, "lend a\nsettle a Skipped",
        "while it is lent"
    );

    let stopped = flag();
    let outcome = run(
        fake(),
        Fake {
            failing: vec!["a"],
            ..stopping("run a", &stopped)
        },
        &stopped,
    );
    assert_eq!(
        outcome.diary, "lend a\nacme: run a\nsettle a Error",
        "while it runs"
    );
    let stopped = flag();
    let outcome = run(
        fake(),
        Fake {
            breaking: vec!["run a"],
            ..stopping("run a", &stopped)
        },
        &stopped,
    );
    assert_eq!(
        outcome.diary, "lend a\nacme: run a\nsettle a Error",
        "while it runs, and the runner breaks of it"
    );
    assert_eq!(outcome.broken, None, "that is no failure of the runner's");
}

#[test]
fn the_thread_that_takes_a_lease_settles_it() {
    let leases = Leases::default();
    leases.add("a", "lease of a".to_owned());
    assert_eq!(
        (leases.take("a").as_deref(), leases.take("a")),
        (Some("lease of a"), None)
    );
}

#[test]
fn abandoned_leases_are_settled_side_by_side_and_not_waited_for_long() {
    let diary = Diary::default();
    let session: Arc<dyn ExecutionSession> = Arc::new(Fake {
        diary: Arc::clone(&diary),
        breaking: vec!["settle b"],
        ..fake()
    });
    let lease = |id: &str| {
        (
            format!("lease of {id}"),
            NodeResult::new(id, NodeStatus::Error),
        )
    };
    let settled = settle_abandoned(
        &session,
        vec![lease("a"), lease("b")],
        Duration::from_secs(60),
    );
    assert_eq!(
        settled
            .iter()
            .map(|result| result.unique_id.as_str())
            .collect::<Vec<_>>(),
        ["a"]
    );
    note(&diary, String::new());
    assert_eq!(
        diary
            .lock()
            .iter()
            .filter(|line| line.starts_with("settle"))
            .count(),
        2
    );
}
