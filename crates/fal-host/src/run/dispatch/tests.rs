//! Runs of nodes with hooks, over a session that only writes down what it is asked.

use std::collections::HashMap;

use fal_graph::{DagBuilder, GraphNode, ScheduleOptions};
use fal_plugin::payload::{NodeRequest, NodeWork, ScriptRole};
use fal_report::{Reporter, RunEvent};
use parking_lot::Mutex;

use super::{
    super::{
        executor::Hook,
        fake::{Diary, Fake, note},
        task::Hooks,
    },
    *,
};

fn model(name: &str, parents: &[&str]) -> GraphNode {
    GraphNode {
        unique_id: name.to_owned(),
        name: name.to_owned(),
        resource_type: "model".to_owned(),
        depends_on: parents.iter().map(|name| (*name).to_owned()).collect(),
        ..GraphNode::default()
    }
}

fn hook(role: ScriptRole, model: &str) -> Hook {
    let id = format!("{role:?} of {model}");
    let request = NodeRequest::new(id.clone(), NodeWork::Dbt);
    Hook {
        info: NodeInfo::script(&id, "a.py", role, Some(model)),
        request,
    }
}

struct Ends(Diary);

impl Reporter for Ends {
    fn event(&mut self, event: &RunEvent) {
        match &event.kind {
            EventKind::NodeFinished {
                node,
                result,
                failure,
                ..
            } => {
                let place = failure.frames.last();
                let place = place.map(|at| format!(" at {}:{}", at.file, at.line));
                let place = place.unwrap_or_default();
                note(&self.0, format!("{} {:?}{place}", node.name, result.status))
            }
            EventKind::NodeSkipped { node, cause, .. } => {
                note(&self.0, format!("{} {cause:?}", node.name))
            }
            _ => {}
        }
    }
}

/// Four models in two chains, each with a pre-hook and a post-hook, run one at a time.
fn run(failing: &[&'static str], fail_fast: bool) -> String {
    let mut builder = DagBuilder::new("shop");
    builder.nodes([
        model("a", &[]),
        model("b", &["a"]),
        model("c", &[]),
        model("d", &["c"]),
    ]);
    let dag = builder.build().unwrap();
    let of_one = |name: &str| Hooks {
        pre: vec![hook(ScriptRole::PreHook, name)],
        post: vec![hook(ScriptRole::PostHook, name)],
    };
    let hooks: HashMap<_, _> = dag
        .nodes()
        .map(|(id, node)| (id, of_one(node.name())))
        .collect();
    let plan = Plan::with_hooks(&dag, hooks);
    let (diary, reporters) = (Diary::default(), Arc::new(Reporters::new()));
    reporters.add(Ends(Arc::clone(&diary)));
    let fake = Fake {
        diary: Arc::clone(&diary),
        failing: failing.to_vec(),
        ..Fake::default()
    };
    let session: Arc<dyn ExecutionSession> = Arc::new(fake);
    let all = dag.nodes().map(|(id, _)| id).collect();
    let schedule = Schedule::new(
        &dag,
        &all,
        ScheduleOptions {
            fail_fast,
            ..ScheduleOptions::default()
        },
    );
    let ended =
        Dispatcher::new(&dag, &plan, schedule, &session, &reporters, 1).run(&Interrupt::new());
    let lines = Mutex::lock(&diary).join("\n");
    format!("{lines}\n{}", ended.summary)
}

#[test]
fn a_pre_hook_that_fails_skips_what_depends_on_its_model_and_no_more() {
    insta::assert_snapshot!(run(&["PreHook of a"], false), @r#"
    run PreHook of a
    record a Error
    run PostHook of a
    a Error
    record b Skipped
    b Upstream { unique_id: "a", name: "a" }
    run PreHook of c
    run c
    run PostHook of c
    c Success
    run PreHook of d
    run d
    run PostHook of d
    d Success
    Done. PASS=2 WARN=0 ERROR=1 SKIP=1 NO-OP=0 TOTAL=4
    "#);
}

#[test]
fn with_fail_fast_nothing_starts_behind_a_post_hook_that_fails() {
    insta::assert_snapshot!(run(&["PostHook of a"], true), @r#"
    run PreHook of a
    run a
    run PostHook of a
    record a Error
    a Error
    record b Skipped
    b Upstream { unique_id: "a", name: "a" }
    record c Skipped
    c FailFast
    record d Skipped
    d FailFast
    Done. PASS=0 WARN=0 ERROR=1 SKIP=3 NO-OP=0 TOTAL=4
    "#);
}

#[test]
fn the_end_of_a_node_that_fails_names_the_line() {
    insta::assert_snapshot!(run(&["c"], false), @r#"
    run PreHook of a
    run a
    run PostHook of a
    a Success
    run PreHook of c
    run c
    run PostHook of c
    c Error at models/c.py:3
    record d Skipped
    d Upstream { unique_id: "c", name: "c" }
    run PreHook of b
    run b
    run PostHook of b
    b Success
    Done. PASS=2 WARN=0 ERROR=1 SKIP=1 NO-OP=0 TOTAL=4
    "#);
}
