//! Runs of nodes of which some go to a runner: slots, a runner that breaks, a run that is stopped.

use std::sync::mpsc;

use fal_graph::{DagBuilder, GraphNode, ScheduleOptions};
use fal_report::{Reporter, RunEvent};
use parking_lot::Mutex;

use super::{
    super::fake::{Diary, Fake, note},
    *,
};

/// Writes down the events, and does something at some of them.
struct Listener<F> {
    diary: Diary,
    then: F,
}

impl<F: FnMut(&str) + Send> Reporter for Listener<F> {
    fn event(&mut self, event: &RunEvent) {
        let line = match &event.kind {
            EventKind::NodeStarted { node, .. } => format!("START {}", node.name),
            EventKind::NodeFinished { node, result, .. } => {
                format!("END {} {:?}", node.name, result.status)
            }
            EventKind::NodeSkipped { node, cause, .. } => format!("SKIP {} {cause:?}", node.name),
            _ => return,
        };
        note(&self.diary, line.clone());
        (self.then)(&line);
    }
}

/// Models of one name each, with the one that they read.
fn dag(models: &[(&str, &str)]) -> Dag {
    let mut builder = DagBuilder::new("shop");
    builder.nodes(models.iter().map(|(name, parent)| {
        GraphNode {
            unique_id: (*name).to_owned(),
            name: (*name).to_owned(),
            resource_type: "model".to_owned(),
            depends_on: Some(*parent)
                .filter(|parent| !parent.is_empty())
                .map(str::to_owned)
                .into_iter()
                .collect(),
            ..GraphNode::default()
        }
    }));
    builder.build().unwrap()
}

struct World {
    diary: Diary,
    interrupt: Interrupt,
    slots: Option<u32>,
    owner: Fake,
    runner: Fake,
}

fn world() -> World {
    let (diary, interrupt) = (Diary::default(), Interrupt::new());
    World {
        diary,
        interrupt,
        slots: None,
        owner: Fake::default(),
        runner: Fake::default(),
    }
}

impl World {
    /// Runs the models on one thread; those whose name begins with `r` go to the runner.
    fn run(
        self,
        models: &[(&str, &str)],
        then: impl FnMut(&str) + Send + 'static,
    ) -> (Dispatched, Vec<String>, Arc<Runner>) {
        let dag = dag(models);
        let routed = dag
            .nodes()
            .filter(|(_, node)| node.name().starts_with('r'))
            .map(|(id, _)| (id, 0))
            .collect();
        let plan = Plan::with_runners(&dag, routed);
        let reporters = Arc::new(Reporters::new());
        reporters.add(Listener {
            diary: Arc::clone(&self.diary),
            then,
        });
        let owner = Fake {
            diary: Arc::clone(&self.diary),
            ..self.owner
        };
        let runner = Fake {
            diary: Arc::clone(&self.diary),
            sign: "acme: ",
            ..self.runner
        };
        let runner = Arc::new(Runner::new("acme".to_owned(), Arc::new(runner), self.slots));
        let own = self.slots.is_some();
        let class = |node: &fal_graph::Node| usize::from(own && node.name().starts_with('r'));
        let options = ScheduleOptions {
            class: Some(&class),
            ..ScheduleOptions::default()
        };
        let schedule = Schedule::new(&dag, &dag.nodes().map(|(id, _)| id).collect(), options);
        let owner: Arc<dyn ExecutionSession> = Arc::new(owner);
        let dispatcher = Dispatcher::new(&dag, &plan, schedule, &owner, &reporters, 1);
        let ended = dispatcher
            .with_runners(&[Arc::clone(&runner)])
            .run(&self.interrupt);
        let lines = Mutex::lock(&self.diary).clone();
        (ended, lines, runner)
    }
}

fn position(lines: &[String], line: &str) -> usize {
    lines
        .iter()
        .position(|one| one == line)
        .unwrap_or_else(|| panic!("{line:?} is not in {lines:#?}"))
}

#[test]
fn nodes_of_a_runner_with_slots_of_its_own_take_none_of_the_threads() {
    let (word, gate) = mpsc::channel();
    let runner = Fake {
        gate: Some(Mutex::new(gate)),
        ..Fake::default()
    };
    let world = World {
        slots: Some(2),
        runner,
        ..world()
    };
    let models = [("r1", ""), ("r2", ""), ("r3", ""), ("a", ""), ("b", "")];
    // The node on the runner goes on only when both local nodes have ended.
    let (ended, lines, _) = world.run(&models, move |line| {
        if line.starts_with("END b") {
            (0..3).for_each(|_| word.send(()).unwrap());
        }
    });
    assert_eq!(ended.summary.pass, 5);
    let first_end = lines
        .iter()
        .position(|line| line.starts_with("END r"))
        .unwrap();
    let ahead: Vec<_> = lines[..first_end]
        .iter()
        .filter(|line| line.starts_with("START"))
        .collect();
    assert_eq!(
        ahead,
        ["START r1", "START r2", "START a", "START b"],
        "two there, and one after the other here"
    );
    assert!(position(&lines, "START r3") > first_end);
}

#[test]
fn without_slots_of_its_own_they_count_among_the_threads() {
    let (_, lines, _) = world().run(&[("r1", ""), ("a", ""), ("r2", "")], |_| ());
    let skipped: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("START") || line.starts_with("END"))
        .collect();
    assert_eq!(
        skipped,
        [
            "START r1",
            "END r1 Success",
            "START a",
            "END a Success",
            "START r2",
            "END r2 Success"
        ]
    );
}

#[test]
fn a_runner_that_breaks_gets_nothing_more_and_all_else_goes_on() {
    let runner = Fake::breaking("run r1");
    let models = [
        ("r1", ""),
        ("r2", ""),
        ("a", ""),
        ("b", "r1"),
        ("c", "r2"),
        ("d", "a"),
    ];
    let (ended, lines, runner) = World { runner, ..world() }.run(&models, |_| ());
    insta::assert_snapshot!(lines.join("\n"), @r#"
    START r1
    lend r1
    acme: run r1
    settle r1 Error
    END r1 Error
    record b Skipped
    SKIP b Upstream { unique_id: "r1", name: "r1" }
    record r2 Skipped
    SKIP r2 Other { reason: "the runner acme failed" }
    record c Skipped
    SKIP c Upstream { unique_id: "r2", name: "r2" }
    START a
    run a
    END a Success
    START d
    run d
    END d Success
    "#);
    assert_eq!(
        (ended.summary.pass, ended.summary.error, ended.summary.skip),
        (2, 1, 3)
    );
    assert_eq!(
        (
            runner.broken().map(|error| error.message).as_deref(),
            ended.broken
        ),
        (Some("`run r1` broke"), None)
    );
}

#[test]
fn an_owner_that_breaks_ends_the_run_also_for_what_runs_elsewhere() {
    let owner = Fake::breaking("settle r1");
    let (ended, lines, _) =
        World { owner, ..world() }.run(&[("r1", ""), ("r2", ""), ("a", "")], |_| ());
    assert_eq!(
        ended.broken.map(|error| error.message).as_deref(),
        Some("`settle r1` broke")
    );
    assert_eq!((ended.summary.error, ended.summary.skip), (1, 2));
    assert!(
        !lines.iter().any(|line| line.starts_with("lend r2")),
        "{lines:#?}"
    );
}

#[test]
fn a_lease_is_settled_though_its_runner_does_not_end() {
    // The word never comes.
    let (_word, gate) = mpsc::channel();
    let interrupt = Interrupt::new();
    let user = interrupt.clone();
    let during = Some(("run r1", Arc::new(move || _ = user.raise()) as Arc<_>));
    let runner = Fake {
        gate: Some(Mutex::new(gate)),
        during,
        ..Fake::default()
    };
    let (ended, lines, _) = World {
        interrupt,
        runner,
        ..world()
    }
    .run(&[("r1", ""), ("a", "")], |_| ());
    assert!(ended.interrupted);
    assert_eq!((ended.summary.error, ended.summary.skip), (1, 1));
    assert!(position(&lines, "acme: cancel") < position(&lines, "settle r1 Error"));
    position(&lines, "END r1 Error");
}

#[test]
fn a_thread_that_panics_is_an_error_and_no_wait_for_ever() {
    let owner = Fake::panicking("run a");
    let (ended, ..) = World { owner, ..world() }.run(&[("a", ""), ("b", "")], |_| ());
    assert_eq!(
        ended.broken.map(|error| error.code).as_deref(),
        Some("host::panic")
    );
    assert_eq!((ended.summary.error, ended.summary.skip), (1, 1));
}
