//! Tests of a session that dies during a run.

use std::thread;

use crate::support::{bench, is_alive};
use fal_plugin::payload::{BeginRequest, CloseRequest};
use serde_json::json;

#[test]
fn all_who_wait_hear_of_it_and_of_the_reason() {
    let bench = bench(json!({}));
    bench.session.begin(&BeginRequest::default()).unwrap();
    thread::scope(|scope| {
        let blocked = scope.spawn(|| bench.dbt("blocked").unwrap_err());
        let busy = scope.spawn(|| {
            bench
                .python("print('busy', flush=True); import time; time.sleep(1000)")
                .unwrap_err()
        });
        bench.sink.wait_output("busy");
        let error = bench.dbt("die").unwrap_err();
        insta::assert_snapshot!(error.message, @r"
        the dbt session ended unexpectedly: exit code 3
        Its last lines on standard error:
          last words
        ");
        assert_eq!(error.code, "dbt::session_died");
        assert_eq!(blocked.join().unwrap(), error);
        assert_eq!(busy.join().unwrap(), error);
    });
    assert_eq!(bench.dbt("later").unwrap_err().code, "dbt::session_died");
    assert_eq!(bench.python("pass").unwrap_err().code, "dbt::session_died");
    let session = bench.pid("session");
    assert_eq!(
        bench
            .session
            .close(&CloseRequest::default())
            .unwrap_err()
            .code,
        "dbt::session_died"
    );
    assert!(!is_alive(session));
}

#[test]
fn a_signal_is_named() {
    let bench = bench(json!({}));
    let message = bench.dbt("segfault").unwrap_err().message;
    assert!(
        message.starts_with("the dbt session ended unexpectedly: killed by signal 11 (SIGSEGV)"),
        "{message}"
    );
}
