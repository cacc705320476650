//! Tests the contract of the stage, and how this runner runs and stops a node. A shell takes the
//! place of Python.

use std::{
    fs,
    sync::{Arc, Mutex},
    thread,
};

use fal_plugin::{
    payload::{Event, Lease, NodeRequest, NodeStatus, NodeWork, OpenRequest},
    EventSink, ExecutionBackend, ExecutionSession,
};
use fal_plugin_testkit::execution_backend;
use serde_json::{json, Value};

use my_plugin::Runner;

#[test]
fn the_contract_holds() {
    execution_backend(&Runner::new(&Value::Null).unwrap()).assert_ok();
}

/// The lines that the runner passed on.
#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl EventSink for Lines {
    fn emit(&self, event: Event) {
        if let Event::Log { message, .. } = event {
            self.0.lock().unwrap().push(message);
        }
    }
}

/// A session whose "Python" is a shell, and a node whose script is `code`.
fn session(name: &str, code: &str) -> (Box<dyn ExecutionSession>, NodeRequest, Arc<Lines>) {
    let folder = std::env::temp_dir().join(format!("my-plugin-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let script = folder.join("lease");
    fs::write(&script, code).unwrap();
    let runner = Runner::new(&json!({"python": "sh"})).unwrap();
    let request =
        json!({"project_dir": folder, "state_dir": folder, "command": "run", "execute": true});
    let request: OpenRequest = serde_json::from_value(request).unwrap();
    let lines = Arc::new(Lines::default());
    let session = runner.open(request, lines.clone()).unwrap();
    let lease = Lease {
        script: script.display().to_string(),
        ..Lease::default()
    };
    let node = NodeRequest {
        lease: Some(Box::new(lease)),
        ..NodeRequest::new("model.example.a", NodeWork::Dbt)
    };
    (session, node, lines)
}

#[test]
fn exit_codes_tell_how_a_node_ended() {
    for (code, status) in [
        (0, NodeStatus::Success),
        (1, NodeStatus::Error),
        (3, NodeStatus::Error),
    ] {
        let (session, node, lines) = session(
            &format!("code-{code}"),
            &format!("echo no pyarrow >&2; exit {code}"),
        );
        let result = session.run_node(&node).unwrap();
        assert_eq!(result.status, status);
        assert_eq!(lines.0.lock().unwrap().as_slice(), ["no pyarrow"]);
        assert_eq!(
            code == 3,
            result.message.unwrap_or_default().ends_with("no pyarrow")
        );
    }
}

#[test]
fn output_that_is_no_text_is_passed_on_too() {
    let (session, node, lines) = session("bytes", "printf '\\377\\n'; echo after");
    let result = session.run_node(&node).unwrap();
    assert_eq!(result.status, NodeStatus::Success);
    assert_eq!(lines.0.lock().unwrap().as_slice(), ["\u{fffd}", "after"]);
}

#[test]
fn cancel_ends_what_runs() {
    let (session, node, lines) = session("cancel", "echo started; sleep 3600 & wait");
    let result = thread::scope(|scope| {
        let running = scope.spawn(|| session.run_node(&node).unwrap());
        while lines.0.lock().unwrap().is_empty() {
            thread::yield_now();
        }
        session.cancel();
        running.join().unwrap()
    });
    assert_eq!(result.status, NodeStatus::Error);
    assert!(
        session.run_node(&node).is_err(),
        "nothing begins in a session that was cancelled"
    );
}
