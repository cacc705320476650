//! Tests that misbehaving Python models harm only themselves.

use crate::support::{bench, is_alive, Bench};
use fal_plugin::payload::NodeStatus;
use serde_json::json;

fn failure(bench: &Bench, code: &str) -> String {
    let result = bench.python(code).unwrap();
    assert_eq!(result.status, NodeStatus::Error);
    result.message.unwrap()
}

#[test]
fn a_traceback_is_the_message() {
    let bench = bench(json!({}));
    let message = failure(&bench, "x = 1\nraise ValueError('boom')");
    assert!(
        message.contains("line 2") && message.ends_with("ValueError: boom\n"),
        "{message}"
    );
}

#[test]
fn crashes_say_how_and_the_next_model_runs() {
    let bench = bench(json!({}));
    let code = "import os, signal, sys; print('why', file=sys.stderr); os.kill(os.getpid(), signal.SIGSEGV)";
    insta::assert_snapshot!(failure(&bench, code), @r"
    the model's process was killed by signal 11 (SIGSEGV)
    Its last lines on standard error:
      why
    ");
    insta::assert_snapshot!(failure(&bench, "import os; os._exit(0)"), @"the model's process ended with exit code 0 before the model was done (os._exit ends a process like that)");
    insta::assert_snapshot!(failure(&bench, "import os; os._exit(7)"), @"the model's process ended with exit code 7 before the model was done (os._exit ends a process like that)");
    assert_eq!(bench.python("pass").unwrap().status, NodeStatus::Success);
}

#[test]
fn a_model_that_closes_all_files_cannot_answer_and_fails() {
    let bench = bench(json!({}));
    let message = failure(&bench, "import os; os.closerange(0, 100); os._exit(5)");
    assert!(message.contains("exit code 5"), "{message}");
}

#[test]
fn a_model_that_kills_its_parent_fails_and_the_next_one_runs() {
    let bench = bench(json!({}));
    let message = failure(
        &bench,
        "import os, signal, time; os.kill(os.getppid(), signal.SIGKILL); time.sleep(1000)",
    );
    assert!(
        message.contains("the process that starts models ended unexpectedly: killed by signal 9"),
        "{message}"
    );
    assert_eq!(bench.python("pass").unwrap().status, NodeStatus::Success);
}

#[test]
fn what_a_model_started_does_not_outlive_the_session() {
    let bench = bench(json!({}));
    let daemon = format!(
        "import subprocess\n\
         child = subprocess.Popen(['sleep', '1000'], start_new_session=True)\n\
         open({:?} + '/daemon', 'w').write(str(child.pid))",
        bench.folder.path()
    );
    assert_eq!(bench.python(&daemon).unwrap().status, NodeStatus::Success);
    let (daemon, session) = (bench.pid("daemon"), bench.pid("session"));
    assert!(is_alive(session));
    drop(bench);
    assert!(!is_alive(daemon) && !is_alive(session));
}

#[test]
fn output_is_told_line_by_line_whatever_it_is() {
    let bench = bench(json!({}));
    let code =
        "import os, sys; os.write(1, b'\\xff\\n'); print('x' * 100000); os.write(2, 'ü'.encode())";
    assert_eq!(bench.python(code).unwrap().status, NodeStatus::Success);
    let mut lines = bench.sink.output();
    lines.sort_by_key(String::len);
    assert_eq!(lines[..2], ["ü", "\u{fffd}"]);
    assert!(
        lines[2].ends_with("x ... [34464 more bytes]"),
        "{}",
        &lines[2][65000..]
    );
}
