//! Tests of interruptions and of the end of a session: all calls return, and no process or file is
//! left.

use std::thread;

use crate::support::{bench, is_alive, open, Bench};
use fal_plugin::payload::{BeginRequest, CloseRequest, NodeStatus};
use serde_json::{json, Value};

fn sleeper(bench: &Bench) -> String {
    format!(
        "import os, time\n\
         open({:?} + '/model', 'w').write(str(os.getpid()))\n\
         print('asleep', flush=True)\n\
         time.sleep(1000)",
        bench.folder.path()
    )
}

/// Interrupts a model and a query, then closes.
fn interrupt(vars: Value, word: &str) {
    let bench = bench(vars);
    bench.session.begin(&BeginRequest::default()).unwrap();
    let code = sleeper(&bench);
    thread::scope(|scope| {
        let model = scope.spawn(|| bench.python(&code).unwrap());
        bench.sink.wait_output("asleep");
        let query = scope.spawn(|| bench.dbt(word).unwrap());
        bench.sink.wait_log(word);
        bench.session.cancel();
        for result in [model.join().unwrap(), query.join().unwrap()] {
            assert_eq!(
                (result.status, result.message.as_deref()),
                (NodeStatus::Error, Some("interrupted"))
            );
        }
    });
    assert_eq!(
        bench.dbt("later").unwrap().message.as_deref(),
        Some("interrupted")
    );
    assert!(
        !bench
            .session
            .close(&CloseRequest { interrupted: true })
            .unwrap()
            .artifacts_written
    );
    assert!(!is_alive(bench.pid("session")) && !is_alive(bench.pid("model")));
}

#[test]
fn an_interruption_ends_models_and_queries() {
    interrupt(json!({}), "blocked");
}

#[test]
fn a_session_that_does_not_react_is_killed() {
    interrupt(json!({"deaf_finish": true, "deaf_end": true}), "deaf");
}

#[test]
fn an_interruption_while_loading_returns() {
    let bench = open(json!({"slow_load": true}));
    thread::scope(|scope| {
        let load = scope.spawn(|| bench.load().unwrap_err());
        bench.sink.wait_log("loading");
        bench.session.cancel();
        assert_eq!(load.join().unwrap().code, "dbt::interrupted");
    });
    bench
        .session
        .close(&CloseRequest { interrupted: true })
        .unwrap();
    assert!(!is_alive(bench.pid("session")));
}

#[test]
fn a_long_end_can_be_interrupted() {
    let bench = bench(json!({"deaf_finish": true, "deaf_end": true}));
    bench.session.begin(&BeginRequest::default()).unwrap();
    thread::scope(|scope| {
        let close = scope.spawn(|| bench.session.close(&CloseRequest { interrupted: false }));
        bench.session.cancel();
        assert!(!close.join().unwrap().unwrap().artifacts_written);
    });
    assert!(!is_alive(bench.pid("session")));
}

#[test]
fn a_session_that_is_dropped_leaves_nothing() {
    let bench = bench(json!({"deaf_end": true}));
    let session = bench.pid("session");
    drop(bench.session);
    assert!(!is_alive(session));
}

#[test]
fn closing_twice_is_no_error() {
    let bench = bench(json!({}));
    bench.session.close(&CloseRequest::default()).unwrap();
    bench.session.close(&CloseRequest::default()).unwrap();
}
