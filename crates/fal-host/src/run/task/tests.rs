//! A node and its hooks, run by a session that only writes down what it is asked.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use fal_plugin::payload::{NodeWork, ScriptRole};
use fal_report::{EventKind, NodeInfo, Reporter, Reporters, RunEvent};

use super::{
    super::{
        executor::Leases,
        fake::{Diary, Fake, note},
        slots::Slots,
    },
    *,
};

const MODEL: &str = "model.shop.orders";

struct Listener(Diary);

impl Reporter for Listener {
    fn event(&mut self, event: &RunEvent) {
        if let EventKind::HookFinished { node, result, .. } = &event.kind {
            note(&self.0, format!("report {} {:?}", node.name, result.status));
        }
    }
}

fn hook(role: ScriptRole, file: &str) -> Hook {
    let side = if role == ScriptRole::PreHook {
        "PRE"
    } else {
        "POST"
    };
    let id = format!("hook.orders.{side}.{file}");
    Hook {
        info: NodeInfo::script(&id, &format!("py/{file}"), role, Some("orders")),
        request: NodeRequest::new(id, NodeWork::Dbt),
    }
}

fn task() -> Task {
    let hooks = |role, files: [&str; 2]| files.map(|file| hook(role, file)).to_vec();
    Task {
        request: NodeRequest::new(MODEL.to_owned(), NodeWork::Dbt),
        hooks: Hooks {
            pre: hooks(ScriptRole::PreHook, ["a.py", "b.py"]),
            post: hooks(ScriptRole::PostHook, ["c.py", "d.py"]),
        },
        runner: None,
    }
}

fn executor(fake: Fake, reporters: Arc<Reporters>, stopped: Arc<AtomicBool>) -> Executor {
    Executor {
        session: Arc::new(fake),
        runners: Arc::new([]),
        leases: Leases::default(),
        hooks: Slots::new(1),
        reporters,
        stopped,
    }
}

/// The result, and what happened.
fn run(failing: &[&'static str], stop_at: Option<&'static str>) -> (NodeResult, String) {
    let (diary, stopped) = (Diary::default(), Arc::new(AtomicBool::new(false)));
    let reporters = Arc::new(Reporters::new());
    reporters.add(Listener(Arc::clone(&diary)));
    let flag = Arc::clone(&stopped);
    let during = stop_at.map(|at| {
        (
            at,
            Arc::new(move || flag.store(true, Ordering::SeqCst)) as Arc<_>,
        )
    });
    let fake = Fake {
        diary: Arc::clone(&diary),
        failing: failing.to_vec(),
        during,
        ..Fake::default()
    };
    let result = task().run(&executor(fake, reporters, stopped)).unwrap();
    let lines = diary.lock().join("\n");
    (result, lines)
}

#[test]
fn hooks_run_around_their_node() {
    let (result, lines) = run(&[], None);
    assert_eq!(
        (result.unique_id.as_str(), result.status),
        (MODEL, NodeStatus::Success)
    );
    insta::assert_snapshot!(lines, @r"
    run hook.orders.PRE.a.py
    report a.py (pre-hook of orders) Success
    run hook.orders.PRE.b.py
    report b.py (pre-hook of orders) Success
    run model.shop.orders
    run hook.orders.POST.c.py
    report c.py (post-hook of orders) Success
    run hook.orders.POST.d.py
    report d.py (post-hook of orders) Success
    ");
}

#[test]
fn behind_a_pre_hook_that_fails_only_post_hooks_run_and_the_session_knows_first() {
    let (result, lines) = run(&["hook.orders.PRE.a.py"], None);
    assert_eq!(
        (result.unique_id.as_str(), result.status),
        (MODEL, NodeStatus::Error)
    );
    insta::assert_snapshot!(result.message.unwrap(), @r"
    The pre-hook py/a.py failed, so the model did not run
    hook.orders.PRE.a.py is broken
    ");
    insta::assert_snapshot!(lines, @r"
    run hook.orders.PRE.a.py
    report a.py (pre-hook of orders) Error
    record model.shop.orders Error
    run hook.orders.POST.c.py
    report c.py (post-hook of orders) Success
    run hook.orders.POST.d.py
    report d.py (post-hook of orders) Success
    ");
}

#[test]
fn post_hooks_run_behind_a_failure_and_add_theirs() {
    let (result, lines) = run(&[MODEL, "hook.orders.POST.c.py"], None);
    assert_eq!(result.status, NodeStatus::Error);
    insta::assert_snapshot!(result.message.unwrap(), @r"
    model.shop.orders is broken

    The post-hook py/c.py failed too
    hook.orders.POST.c.py is broken
    ");
    assert!(
        lines
            .ends_with("report d.py (post-hook of orders) Success\nrecord model.shop.orders Error"),
        "{lines}"
    );
}

#[test]
fn a_post_hook_that_fails_makes_an_error_of_a_model_that_was_written() {
    let (result, lines) = run(&["hook.orders.POST.d.py"], None);
    assert_eq!(result.status, NodeStatus::Error);
    insta::assert_snapshot!(result.message.unwrap(), @r"
    The post-hook py/d.py failed; the model had run, and its table was written
    hook.orders.POST.d.py is broken
    ");
    assert!(lines.ends_with("record model.shop.orders Error"), "{lines}");
}

#[test]
fn once_the_run_is_stopped_nothing_more_is_begun() {
    let (result, lines) = run(&[], Some("run hook.orders.PRE.a.py"));
    assert_eq!(result.status, NodeStatus::Skipped);
    insta::assert_snapshot!(lines, @r"
    run hook.orders.PRE.a.py
    report a.py (pre-hook of orders) Success
    record model.shop.orders Skipped
    ");
    let (result, lines) = run(&[], Some("run model.shop.orders"));
    assert_eq!(result.status, NodeStatus::Success);
    assert!(lines.ends_with("run model.shop.orders"), "{lines}");
}

#[test]
fn an_answer_about_another_node_is_the_backend_s_failure() {
    let fake = Fake {
        confused: true,
        ..Fake::default()
    };
    let (reporters, stopped) = (Arc::new(Reporters::new()), Arc::default());
    let error = task().run(&executor(fake, reporters, stopped)).unwrap_err();
    assert_eq!(error.code, "plugin::bad_answer");
}
